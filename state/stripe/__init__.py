"""Shared state at Stripe: one guarded way to ask it, and what it said as plain values."""
