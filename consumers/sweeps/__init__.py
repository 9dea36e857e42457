"""Sweeps: everything at the processors beside everything of ours, field by field (DESIGN.md 7)."""
