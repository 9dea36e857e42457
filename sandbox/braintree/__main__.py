"""`python -m sandbox.braintree`: the double on a port of this machine."""

import argparse
import socket
import sys
from pathlib import Path

import uvicorn

from sandbox.braintree.app import app
from sandbox.braintree.process import READY
from sandbox.braintree.store import StoreUnusable
from sandbox.braintree.world import Options


def main() -> None:
    """Reads the options and serves; a taken port or a bad folder is a sentence and exit status 1."""
    given = _parser().parse_args()
    try:
        application = app(given.data, Options(webhook_url=given.webhook_url))
        listener = socket.create_server((given.host, given.port), backlog=1024)
    except StoreUnusable as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{given.host}:{given.port} cannot be used: {error.strerror or error}")
    print(f"{READY}http://{given.host}:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        application,
        http="httptools",
        loop="uvloop",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.braintree", description="A stateful double of Braintree."
    )
    parser.add_argument("--port", type=int, default=8091, help="port to listen on; 0 for a free one")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; the control API has no password"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that keeps the state over restarts")
    parser.add_argument("--webhook-url", help="where notifications are sent")
    return parser


if __name__ == "__main__":
    main()
