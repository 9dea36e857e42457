"""Every message type by its name: the one place where a capability's messages are wired in."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from topics import (
    accounts,
    drift,
    parking,
    payment_methods,
    paypal_batches,
    paypal_migrations,
    profiles,
    stripe_customers,
    subscriptions,
)
from topics.message import Kind, Message

CAPABILITIES: Final = (
    accounts,
    profiles,
    stripe_customers,
    payment_methods,
    subscriptions,
    drift,
    paypal_batches,
    paypal_migrations,
    parking,
)

_ALL: Final[tuple[type[Message], ...]] = tuple(m for capability in CAPABILITIES for m in capability.MESSAGES)

MESSAGE_TYPES: Final[Mapping[str, type[Message]]] = MappingProxyType({model.type: model for model in _ALL})

if len(MESSAGE_TYPES) != len(_ALL):
    raise ValueError("two messages have one type: one of them could never be read")

EXAMPLES: Final[Mapping[str, Message]] = MappingProxyType(
    {message.type: message for capability in CAPABILITIES for message in capability.EXAMPLES}
)
"""One message of each type, for the documents."""


def of_kind(kind: Kind) -> tuple[type[Message], ...]:
    """All message models of one kind, in wiring order."""
    return tuple(model for model in MESSAGE_TYPES.values() if model.kind is kind)
