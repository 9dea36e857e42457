"""Whether the terminal we were started from is still there.

The kernel tells of a closed terminal by SIGHUP, but only the leader of its session: with `xterm -e make run` that
is make, which keeps it to itself and waits for us. So we look for ourselves.
"""

import asyncio
import os
import select
import signal
from collections.abc import Iterable

LOOK_EVERY = 1.0
STANDARD = (0, 1, 2)


def watched(candidates: Iterable[int] = STANDARD) -> tuple[int, ...]:
    """The file descriptors that are terminals; none when SIGHUP is ignored: under nohup we outlive ours."""
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        return ()
    return tuple(number for number in candidates if os.isatty(number))


def hung_up(terminals: Iterable[int]) -> bool:
    """Whether one of the terminals was closed on its other side."""
    look = select.poll()
    for number in terminals:
        look.register(number, 0)  # a hang-up is told without being asked for
    return any(event & select.POLLHUP for _, event in look.poll(0))


async def closed(terminals: tuple[int, ...]) -> None:
    """Return when one of the terminals has gone; never without a terminal."""
    while not hung_up(terminals):
        await asyncio.sleep(LOOK_EVERY)
