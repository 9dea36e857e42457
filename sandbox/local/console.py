"""Lines for the person at the console, who may have closed the terminal meanwhile."""

import os
import shlex
import sys
from collections.abc import Mapping


def say(line: str) -> None:
    """Print a line at once. A closed terminal or pipe is no error: what follows goes nowhere."""
    try:
        print(line, flush=True)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def as_shell_variables(variables: Mapping[str, str]) -> str:
    """Lines that `sh` can source."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
