"""State shared with Braintree."""
