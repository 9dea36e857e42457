"""How fast it is: each benchmark beside its rival, in one run, on the same servers."""
