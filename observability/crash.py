"""Points at which a drill kills this process: `CRASH_AT=loop.before_commit`, `...:3` for the third pass.

`CRASH_WITH=SIGSTOP` makes it a zombie at that point instead: it goes on when it is sent SIGCONT.
"""

import os
import signal
from typing import Final

_NAME, _, _TIMES = os.environ.get("CRASH_AT", "").partition(":")
_ARMED: Final = bool(_NAME)
_SIGNAL: Final = signal.Signals[os.environ.get("CRASH_WITH", "SIGKILL")]
_remaining = int(_TIMES or 1)


def crash_point(name: str) -> None:
    """Die here, as by power loss, when this point was named in the environment; otherwise nothing."""
    if _ARMED and name == _NAME:
        _count_down()


def _count_down() -> None:
    global _remaining
    _remaining -= 1
    if _remaining == 0:
        os.kill(os.getpid(), _SIGNAL)
