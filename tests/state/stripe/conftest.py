"""The double of Stripe for these tests."""

from tests.stripe_double import ask, double, stripe_client, stripe_server

__all__ = ["ask", "double", "stripe_client", "stripe_server"]
