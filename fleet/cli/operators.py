"""In whose name an operator's command is asked for: the person at the keyboard, with the role of support."""

import getpass
import os

from topics.message import Actor, Role


def operator() -> str:
    """The person's name as the journal keeps it; the user's number where the machine knows no name for it."""
    try:
        name = getpass.getuser()
        name.encode()
    except (KeyError, OSError, UnicodeEncodeError):
        name = f"uid-{os.getuid()}"
    return f"operator:{name}"


def actor() -> Actor:
    """The same as commands name it."""
    return Actor(operator(), Role.SUPPORT, "fleet-cli")
