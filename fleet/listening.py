"""The socket on which a process serves, bound before anything else is opened."""

import socket

import click


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
            f"{setting}: {host}:{port} can't be listened on: {problem.strerror}. Stop what is there, or set "
            f"{setting} to another port (docs/settings.md)."
        ) from None
    return found
