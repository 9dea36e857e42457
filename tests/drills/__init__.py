"""Broken on purpose: known histories, real processes, checks from the outside."""
