"""Tests of the effects member and its performers against a real PostgreSQL and a double of Stripe."""
