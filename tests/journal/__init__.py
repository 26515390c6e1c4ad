"""What is one journal's own; what all promise is in tests/contracts/journal."""
