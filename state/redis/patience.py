"""How long a Redis that failed is left alone, so that a slow one does not slow every request."""

import time
from typing import Final

SECONDS: Final = 2.0


class Patience:
    """Shared by the uses of one process. After a failure nobody asks for a while, and then one tries for all."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._ask_after = 0.0
        self.missed = False
        """Whether something was not written that others will ask for."""

    def may_ask(self) -> bool:
        """Whether to ask now. After a failure only one is told yes every so many seconds: the others do without."""
        if not self._ask_after:
            return True
        now = time.monotonic()
        if now < self._ask_after:
            return False
        self._ask_after = now + self._seconds
        return True

    def failed(self) -> None:
        """Redis did not answer in time, or not at all."""
        self._ask_after = time.monotonic() + self._seconds

    def answered(self) -> None:
        """Redis is back."""
        self._ask_after = 0.0
