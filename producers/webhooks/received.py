"""A webhook as it is kept: the bytes that were signed, and what has to be known without reading them."""

from dataclasses import dataclass


class UnreadableError(Exception):
    """It was signed, but is not what the processor documents. Its text is for the log."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A verified webhook. `event_id` is the same in every delivery; `received_ms` is our clock."""

    topic: str
    event_id: str
    type: str
    key: str
    body: bytes
    received_ms: int

    def headers(self) -> list[tuple[str, bytes]]:
        """As Kafka takes them."""
        return [
            ("wh_id", self.event_id.encode()[:255]),
            ("wh_type", self.type.encode()[:255]),
            ("wh_received", str(self.received_ms).encode()),
        ]
