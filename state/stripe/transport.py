"""The SDK's httpx transport with bounded times, and the name of what went wrong on the wire."""

from collections.abc import Mapping
from typing import Any, Final

import httpx
import stripe

CONNECT_SECONDS: Final = 3.0
CONNECTIONS: Final = 32


class Transport(stripe.HTTPXClient):
    """stripe's own client with one pool, bodies as bytes and a deadline for each step of a request."""

    def __init__(self, timeout: float) -> None:
        super().__init__(timeout=httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)))

    def _get_request_args_kwargs(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None
    ) -> list[Any]:
        # httpx deprecates text as `data`, which is what the SDK passes.
        sent: dict[str, Any] = {"headers": headers, "timeout": self._timeout}
        if post_data is not None:
            sent["content"] = post_data.encode()
        return [(method, url), sent]


def wire_failure(error: stripe.APIConnectionError) -> str:
    """`timeout` or `connection`."""
    return "timeout" if isinstance(error.__cause__, httpx.TimeoutException) else "connection"
