"""Stripe's webhooks as they are kept: under the customer they concern, so that what concerns one stays together.

As they came, but for client secrets, which must not travel in Kafka (DESIGN.md 4, law 11): Stripe shows them in
every event of a setup intent, and once more in the addresses of its `next_action`.
"""

import re
import time
from typing import Any, Final

import orjson

from producers.webhooks.received import UnreadableError, Webhook
from topics.table import STRIPE_WEBHOOKS

_SECRET: Final = "client_secret"  # noqa: S105
_INSIDE: Final = re.compile(r"([A-Za-z]{2,10}_\w{1,255}?_secret_)[^\s&#?/\"']+")
"""A secret inside of another text: an object's id (or `src_client`), the word, and what makes it one."""


def received(body: bytes) -> Webhook:
    """A verified body as it will be kept. Raises `UnreadableError`."""
    try:
        event: Any = orjson.loads(body)
        event_id, kind, key = event["id"], event["type"], _key(event)
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        raise UnreadableError("the body is not an event of Stripe") from None
    if not isinstance(event_id, str) or not isinstance(kind, str) or not key:
        raise UnreadableError("the event has no id, type or object")
    kept = orjson.dumps(_without_secrets(event)) if b"_secret" in body else body
    return Webhook(STRIPE_WEBHOOKS.name, event_id, kind, key, kept, int(time.time() * 1000))


def _without_secrets(value: Any) -> Any:
    match value:
        case dict():
            return {name: None if name == _SECRET else _without_secrets(one) for name, one in value.items()}
        case list():
            return [_without_secrets(one) for one in value]
        case str() if "_secret_" in value:
            return _INSIDE.sub(r"\1", value)
    return value


def _key(event: Any) -> str:
    """A thin event knows only its object; one of an object that lost its customer knows who had it."""
    if event.get("object") == "v2.core.event":
        return str((event.get("related_object") or {}).get("id") or event["id"])
    found = event["data"]["object"]
    if found.get("object") == "customer":
        return str(found["id"])
    before = (event["data"].get("previous_attributes") or {}).get("customer")
    return str(found.get("customer") or before or found.get("id") or event["id"])
