"""The Dashboard: what customers and their own programs ask, wire-compatible with the public API."""
