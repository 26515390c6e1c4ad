"""What the simulated phones do beyond their port: what all phone systems owe is in tests/contracts/telephony."""
