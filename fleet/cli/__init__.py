"""The command line of the fleet."""

from fleet.cli.main import main

__all__ = ["main"]
