"""One suite for each port: whatever stands behind the port passes it."""
