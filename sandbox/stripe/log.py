"""What was asked lately: a ring of the last requests and counters of all, in memory."""

from collections import Counter, deque
from typing import Any, TypeAlias

Entry: TypeAlias = dict[str, Any]
KEPT = 5000


class Log:
    """Requests as they ended. `status` is None for one that was left without an answer."""

    def __init__(self) -> None:
        self._ring: deque[Entry] = deque(maxlen=KEPT)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._seq = 0

    def add(self, entry: Entry) -> None:
        """Notes a request."""
        self._seq += 1
        self._ring.append({"seq": self._seq, **entry})
        self._counts[entry["endpoint"], str(entry["status"] or "no answer")] += 1

    def recent(self, limit: int, **equal: Any) -> list[Entry]:
        """The last requests, newest first, whose fields equal the given ones."""
        found = []
        for entry in reversed(self._ring):
            if all(entry[name] == value for name, value in equal.items()):
                found.append(entry)
            if len(found) >= limit:
                break
        return found

    def counts(self) -> dict[str, dict[str, int]]:
        """How many requests each endpoint had, by status."""
        table: dict[str, dict[str, int]] = {}
        for (endpoint, status), count in sorted(self._counts.items()):
            table.setdefault(endpoint, {})[status] = count
        return table
