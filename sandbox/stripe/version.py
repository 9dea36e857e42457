"""The one version of Stripe's API that the double speaks, and stamps on answers and events."""

API_VERSION = "2026-10-28.endive"
