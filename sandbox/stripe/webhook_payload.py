"""What a webhook delivery consists of: the body, a snapshot or a thin event, and the signature over it.

Signature: docs.stripe.com/webhooks#verify-manually. Thin events: docs.stripe.com/event-destinations#thin-payload.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import orjson


def signature(body: bytes, secrets: list[str], moment: int) -> str:
    """The `Stripe-Signature` header: one `v1` for each secret, over `{t}.{body}`; `moment` in seconds."""
    signed = b"%d.%s" % (moment, body)
    marks = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={moment}", *(f"v1={mark}" for mark in marks)])


def thin(event: dict[str, Any]) -> bytes:
    """The thin event that points to this snapshot event; repeated, it has the same id."""
    object_ = event["data"]["object"]
    created = datetime.fromtimestamp(event["created"], UTC)
    body = {
        "id": event["id"].replace("evt_", "evt_test_", 1),
        "object": "v2.core.event",
        "context": None,
        "created": created.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "livemode": event["livemode"],
        "reason": {"type": "request", "request": event["request"]} if event["request"]["id"] else None,
        "related_object": {"id": object_["id"], "type": object_["object"], "url": _url(object_)},
        "snapshot_event": event["id"],
        "type": f"v1.{event['type']}",
    }
    return orjson.dumps(body)


def _url(object_: dict[str, Any]) -> str:
    return f"/v1/{object_['object']}s/{object_['id']}"
