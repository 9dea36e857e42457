"""A stateful double of the Stripe API: what the fleet uses of it, over real HTTP, with faults on demand."""
