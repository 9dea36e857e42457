"""A stateful double of Braintree's gateway: customers, vaulted methods, nonces, signed webhooks, over real HTTP."""
