"""`make run`: the whole fleet on a local stack of this machine."""
