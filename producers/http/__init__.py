"""What every surface shares: the corridor from a request to its answer."""
