"""Messages as they once travelled. They must decode for ever: a file here is added, never changed."""
