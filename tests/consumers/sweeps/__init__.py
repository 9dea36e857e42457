"""Sweeps against real stores and both doubles."""
