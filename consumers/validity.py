"""Stop when a large share of a stream is invalid: that is a bad deploy, not bad data (law 10)."""

from collections import deque
from collections.abc import Iterable


class StreamInvalidError(Exception):
    """Too many of the last records could not be understood; reading on would bury the stream."""

    def __init__(self, invalid: int, seen: int) -> None:
        super().__init__(f"{invalid} of the last {seen} records are invalid")
        self.invalid, self.seen = invalid, seen


class Validity:
    """Watches the last `window` records. `share` of 1.0 or more never stops."""

    def __init__(self, *, window: int = 400, share: float = 0.5, least: int = 100) -> None:
        self._recent: deque[bool] = deque(maxlen=window)
        self._share, self._least = share, least

    def observe(self, valid: Iterable[bool]) -> None:
        """Count records in. Raises `StreamInvalidError`, and then the stream must not be read on."""
        self._recent.extend(valid)
        seen, invalid = len(self._recent), self._recent.count(False)
        if seen >= self._least and invalid > self._share * seen:
            raise StreamInvalidError(invalid, seen)
