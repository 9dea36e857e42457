"""Where it is kept: PostgreSQL (the authority), Redis (speed), Stripe (shared state)."""
