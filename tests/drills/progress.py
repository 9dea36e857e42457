"""What is going on, on one line that is written over, or line by line where there is no terminal."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.text import Text

BETWEEN_LINES = 10.0
"""Seconds, where nothing can be written over."""


@dataclass(slots=True)
class Progress:
    """Knows how to say where the run stands. `doing` is the breakage that is on."""

    console: Console
    words: Callable[[], str]
    doing: str = "nothing broken"
    began: float = field(default_factory=time.monotonic)

    def line(self) -> str:
        """The line as of now."""
        seconds = int(time.monotonic() - self.began)
        return f"{seconds // 60:3d}:{seconds % 60:02d}  {self.words()}  | {self.doing}"

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Show it as long as the block runs."""
        task = asyncio.create_task(self._live() if self.console.is_terminal else self._lines())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _live(self) -> None:
        with Live(console=self.console, refresh_per_second=4, transient=True) as live:
            while True:
                live.update(Text(self.line(), no_wrap=True, overflow="ellipsis"))
                await asyncio.sleep(0.25)

    async def _lines(self) -> None:
        while True:
            await asyncio.sleep(BETWEEN_LINES)
            self.console.print(self.line(), soft_wrap=True, highlight=False)
