"""What is decided: pure functions from an account and a message to a decision."""
