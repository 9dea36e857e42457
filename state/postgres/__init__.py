"""The authority: what is applied, what follows from it, and how far each stream has been read."""
