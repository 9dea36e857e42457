"""`python -m sandbox.turnstile`: the double on a port of this machine. It remembers nothing over a restart."""

import argparse
import socket
import sys

import uvicorn

from sandbox.turnstile.app import app
from sandbox.turnstile.process import READY


def main() -> None:
    """Reads the options and serves; a taken port is a sentence and exit status 1."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.turnstile", description="A double of Turnstile.")
    parser.add_argument("--port", type=int, default=8092, help="port to listen on; 0 for a free one")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; the control API has no password"
    )
    given = parser.parse_args()
    try:
        listener = socket.create_server((given.host, given.port), backlog=1024)
    except OSError as error:
        sys.exit(f"{given.host}:{given.port} cannot be used: {error.strerror or error}")
    print(f"{READY}http://{given.host}:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        app(), loop="uvloop", log_level="warning", access_log=False, timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
