"""Run only the three servers: `python -m sandbox.local --data FOLDER`."""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .console import as_shell_variables, say
from .files import write_whole
from .service import CannotStart
from .stack import LocalStack
from .supervisor import Supervisor


def main() -> None:
    """Run until Ctrl-C or SIGTERM. Exit code 2, with the reason, when the servers cannot run."""
    options = _options()
    data = options.data.absolute()
    stack = LocalStack.on_free_ports(data) if options.ports == "auto" else LocalStack(data=data)
    with _only_while_running(options.env_file):
        try:
            asyncio.run(_run(stack, options.env_file))
        except CannotStart as problem:
            print(problem, file=sys.stderr)
            sys.exit(2)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.local",
        description="PostgreSQL, Redis and Kafka on this machine, until Ctrl-C.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder for their data; survives a restart")
    parser.add_argument(
        "--ports",
        choices=("usual", "auto"),
        default="usual",
        help="5432, 6379, 9092 and 9093, or whichever are free (default: %(default)s)",
    )
    parser.add_argument(
        "--env-file",
        type=Path,
        help="written when all are ready: shell variables with the connection strings",
    )
    return parser.parse_args()


@contextmanager
def _only_while_running(env_file: Path | None) -> Iterator[None]:
    """The file is there exactly while the servers are ready."""
    if env_file is None:
        yield
        return
    env_file.unlink(missing_ok=True)
    try:
        yield
    finally:
        env_file.unlink(missing_ok=True)


async def _run(stack: LocalStack, env_file: Path | None) -> None:
    async def when_ready() -> None:
        if env_file is not None:
            write_whole(env_file, as_shell_variables(stack.connections()))
        say("all ready; Ctrl-C stops")

    await Supervisor(stack.plan(), data=stack.data).run(when_ready=when_ready)


if __name__ == "__main__":
    main()
