"""Stripe's webhooks as they are kept: under the customer they concern, so that what concerns one stays together."""

import time
from typing import Any

import orjson

from producers.webhooks.received import UnreadableError, Webhook
from topics.table import STRIPE_WEBHOOKS


def received(body: bytes) -> Webhook:
    """A verified body as it will be kept. Raises `UnreadableError`."""
    try:
        event: Any = orjson.loads(body)
        event_id, kind, key = event["id"], event["type"], _key(event)
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        raise UnreadableError("the body is not an event of Stripe") from None
    if not isinstance(event_id, str) or not isinstance(kind, str) or not key:
        raise UnreadableError("the event has no id, type or object")
    return Webhook(STRIPE_WEBHOOKS.name, event_id, kind, key, body, int(time.time() * 1000))


def _key(event: Any) -> str:
    """A thin event knows only its object; one of an object that lost its customer knows who had it."""
    if event.get("object") == "v2.core.event":
        return str((event.get("related_object") or {}).get("id") or event["id"])
    found = event["data"]["object"]
    if found.get("object") == "customer":
        return str(found["id"])
    before = (event["data"].get("previous_attributes") or {}).get("customer")
    return str(found.get("customer") or before or found.get("id") or event["id"])
