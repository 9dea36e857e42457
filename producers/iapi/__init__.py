"""The iAPI Gateway: what other services ask, with signed tokens and scopes of their own."""
