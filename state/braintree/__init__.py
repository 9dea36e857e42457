"""Braintree: the vault of PayPal agreements, through its synchronous SDK in a bounded pool of threads."""
