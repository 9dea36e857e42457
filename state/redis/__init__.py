"""Speed, never truth: everything here may be gone at any moment (law 12)."""
