"""Failed authentication, counted by address, so that guessing at tokens does not cost a store a look each.

Counted in Redis, for all processes together, and only when it fails: a request with a good token pays
nothing. An address that failed too often is remembered here until it may come again.
"""

import time
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

from state.redis.rate_limits import Rate, RateLimits

_MOST: Final = 10_000
_LONGEST_NAME: Final = 64


class Failures:
    """The failures of one surface in one process."""

    def __init__(self, limits: RateLimits, rate: Rate) -> None:
        self._limits, self._rate = limits, rate
        self._until: dict[str, float] = {}

    def wait(self, address: str) -> float:
        """Seconds until strangers from this address are looked at again; 0 when they are."""
        until = self._until.get(address)
        return 0.0 if until is None else max(0.0, until - time.monotonic())

    async def count(self, address: str) -> float:
        """Count one failure; gives the seconds to wait when there were too many. Open while Redis is away."""
        if (wait := self.wait(address)) > 0:
            return wait
        wait = await self._limits.take([(f"failures:{address}", self._rate)])
        if wait > 0:
            self._remember(address, wait)
        return wait

    def _remember(self, address: str, wait: float) -> None:
        if len(self._until) >= _MOST:
            self._until.clear()
        self._until[address] = time.monotonic() + wait


def source(host: str) -> str:
    """What counts as one address: an IPv4 one, or the /64 of an IPv6 one, which is what a customer is given."""
    try:
        address = ip_address(host)
    except ValueError:
        return host[:_LONGEST_NAME]
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), 64), strict=False))
