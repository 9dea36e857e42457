"""Braintree's webhooks as they are kept: those we read, whole, under the customer they concern."""

import hashlib
import time

import orjson

from producers.webhooks.received import Webhook
from state.braintree.webhooks import Notice
from topics.table import BRAINTREE_WEBHOOKS


def received(notice: Notice, signature: str, payload: str) -> Webhook:
    """A verified notification as it will be kept. It has no id of its own; what it says is its name."""
    body = orjson.dumps({"bt_signature": signature, "bt_payload": payload})
    name = hashlib.sha256(payload.encode()).hexdigest()
    key = notice.customer_id or notice.token or notice.kind
    return Webhook(BRAINTREE_WEBHOOKS.name, name, notice.kind, key, body, int(time.time() * 1000))
