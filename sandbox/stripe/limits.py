"""Rate limits as Stripe has them: a bucket for the account, one for each endpoint, refilled every second.

Live mode: 100 requests a second, 25 for an endpoint, 20 for search (docs.stripe.com/rate-limits).
"""

from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests a second; 0 is no limit. `endpoints` holds what differs, by endpoint name."""

    account: float = 100.0
    endpoint: float = 25.0
    endpoints: dict[str, float] = field(default_factory=lambda: {"GET /v1/customers/search": 20.0})

    def of(self, endpoint: str) -> float:
        """The limit of one endpoint; with 0 for all of them none has one."""
        return self.endpoints.get(endpoint, self.endpoint) if self.endpoint else 0

    def changed(self, **given: Any) -> "Limits":
        """A copy with some of them set. Raises ValueError or TypeError: a wrong name, or no number."""
        if unknown := set(given) - {"account", "endpoint", "endpoints"}:
            raise ValueError(f"unknown limits: {', '.join(sorted(unknown))}")
        after = replace(self, **given)
        if not isinstance(after.endpoints, dict):
            raise TypeError("endpoints: a table of endpoint name to requests a second")
        for rate in (after.account, after.endpoint, *after.endpoints.values()):
            if isinstance(rate, bool) or not isinstance(rate, (int, float)) or rate < 0:
                raise ValueError(f"a limit is a number of requests a second, 0 for none: {rate!r}")
        return after


class Limiter:
    """Token buckets, each as deep as its rate, and one at least: a second's worth may come at once."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._buckets: dict[str, tuple[float, float]] = {}

    def set(self, limits: Limits) -> None:
        """New limits; all buckets are full again."""
        self.limits = limits
        self._buckets.clear()

    def refuses(self, endpoint: str, now: float) -> str | None:
        """None and one token taken of each bucket, or which limit is exceeded; `now` in monotonic seconds."""
        wanted = [
            ("", self.limits.account, "global-rate"),
            (endpoint, self.limits.of(endpoint), "endpoint-rate"),
        ]
        left = {}
        for name, rate, reason in wanted:
            if not rate:
                continue
            depth = max(rate, 1.0)
            tokens, since = self._buckets.get(name, (depth, now))
            tokens = min(depth, tokens + (now - since) * rate)
            if tokens < 1:
                return reason
            left[name] = (tokens - 1, now)
        self._buckets.update(left)
        return None
