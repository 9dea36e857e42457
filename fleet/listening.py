"""The socket on which a process serves, bound before anything else is opened."""

import errno
import socket
from typing import Final

import click

_OF_THE_PORT: Final = frozenset({errno.EADDRINUSE, errno.EACCES})
"""What another port helps against; all else is about the address."""


def listener(setting: str, host: str, port: int) -> socket.socket:
    """A bound socket, on which whoever serves listens: until then a probe is refused.

    What stands in the way is a sentence that names the setting (`click.ClickException`).
    """
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as problem:
        found.close()
        raise click.ClickException(
            f"{host}:{port} can't be listened on: {problem.strerror}. {_advice(setting, problem)} (docs/settings.md)."
        ) from None
    return found


def _advice(setting: str, problem: OSError) -> str:
    if problem.errno in _OF_THE_PORT:
        return f"Stop what is there, or set {setting} to another port"
    return "Set HOST to an address of this machine"
