"""The double as a process of its own: a socket, a ready line, uvicorn."""

import socket
from pathlib import Path

import uvicorn

from sandbox.stripe.app import app
from sandbox.stripe.world import Options

READY = "Stripe double ready at "


def serve(data: Path, options: Options, *, host: str, port: int) -> None:
    """Serves until SIGINT or SIGTERM; port 0 takes a free one. Prints where, once it accepts connections.

    Raises StoreUnusable, or OSError when the port is taken.
    """
    listener = socket.create_server((host, port), backlog=1024)
    application = app(data, options)
    config = uvicorn.Config(
        application,
        http="httptools",
        loop="uvloop",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    print(f"{READY}http://{host}:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])
