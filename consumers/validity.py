"""Stop when a large share of a stream is invalid: that is a bad deploy, not bad data (law 10)."""

from collections import Counter, deque
from collections.abc import Iterable

from topics.codec import Rejected
from topics.message import Received


class StreamInvalidError(Exception):
    """Too many of the last records could not be understood; reading on would bury the stream.

    Says why by reason, and where the latest stands: they are no dead letters yet, for nothing of them was applied.
    """

    def __init__(self, reasons: Counter[str], seen: int, latest: Rejected) -> None:
        self.invalid, self.seen, self.reasons = reasons.total(), seen, dict(reasons.most_common())
        told = ", ".join(f"{reason} {count}" for reason, count in self.reasons.items())
        super().__init__(
            f"{self.invalid} of the last {seen} records are invalid ({told}); the latest: {_described(latest)}"
        )


class Validity:
    """Watches the last `window` records. `share` of 1.0 or more never stops."""

    def __init__(self, *, window: int = 400, share: float = 0.5, least: int = 100) -> None:
        self._recent: deque[str | None] = deque(maxlen=window)
        self._latest: Rejected | None = None
        self._share, self._least = share, least

    def observe(self, entries: Iterable[Received | Rejected]) -> None:
        """Count records in. Raises `StreamInvalidError`, and then the stream must not be read on."""
        for entry in entries:
            if isinstance(entry, Rejected):
                self._latest = entry
                self._recent.append(entry.reason.value)
            else:
                self._recent.append(None)
        seen = len(self._recent)
        invalid = seen - self._recent.count(None)
        if self._latest and seen >= self._least and invalid > self._share * seen:
            reasons = Counter(reason for reason in self._recent if reason)
            raise StreamInvalidError(reasons, seen, self._latest)


def _described(rejected: Rejected) -> str:
    record, headers = rejected.record, dict(rejected.record.headers)
    kind, source = (ascii((headers.get(name) or b"").decode(errors="replace")[:100]) for name in _SAID)
    place = f"{record.topic}/{record.partition}@{record.offset}"
    return f"{place}, type {kind}, source {source}: {ascii(rejected.detail)[:300]}"


_SAID = ("ce_type", "ce_source")
