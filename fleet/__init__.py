"""How it is wired: settings, composition of a process, the command line."""
