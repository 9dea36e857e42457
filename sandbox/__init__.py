"""A world offline: local servers and stand-ins for the processors; it imports nothing of the product."""
