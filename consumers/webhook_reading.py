"""What a webhook says: whose object it is, and the fact it comes to. Pure; nothing is decided here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import orjson

from consumers.braintree_facts import told as told_by_braintree
from consumers.stripe_facts import told as told_by_stripe
from state.braintree import webhooks as braintree
from state.stripe.odd import reason
from topics.ids import ACCOUNT_ID
from topics.message import Fact, Record
from topics.observation import Observation
from topics.table import BRAINTREE_WEBHOOKS

Source = Literal["stripe", "braintree"]
STRIPE: Final = "stripe"
BRAINTREE: Final = "braintree"


class UnreadableError(Exception):
    """It is not what the processor documents, though it was signed. Its text names no values."""


@dataclass(frozen=True, slots=True)
class Told:
    """A webhook understood. `fact` is None when it concerns nothing of ours, such as an object of no customer.

    `customer_id` is the processor's, `token` what Braintree calls the method; `moment_ms` when it happened by the
    processor's clock.
    """

    source: Source
    event_id: str
    type: str
    customer_id: str
    moment_ms: int
    fact: Fact | None
    token: str = ""

    @property
    def owner(self) -> str:
        """What an account has to know: the customer, or the token where the customer can't be one of ours."""
        ours = self.source == STRIPE or ACCOUNT_ID.fullmatch(self.customer_id)
        return self.customer_id if ours or not self.token else self.token


@dataclass(frozen=True, slots=True)
class Thin:
    """An event of Stripe that names its object without showing it: the object has to be read."""

    event_id: str
    type: str
    object_id: str
    source: Source = STRIPE

    @property
    def owner(self) -> str:
        """The object that an account has to know."""
        return self.object_id


def read(record: Record) -> Told | Thin:
    """Understand a kept webhook. Raises `UnreadableError`."""
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    try:
        if record.topic.startswith(_BRAINTREE):
            return _braintree(record, headers)
        return _stripe(orjson.loads(record.value or b""), headers)
    except (ValueError, LookupError, TypeError, AttributeError, braintree.UnreadableError) as error:
        raise UnreadableError(f"{reason(error)} in a webhook of type {headers.get('wh_type', '?')}") from None


_BRAINTREE: Final = BRAINTREE_WEBHOOKS.name


def _stripe(event: Mapping[str, Any], headers: Mapping[str, str]) -> Told | Thin:
    if event.get("object") == "v2.core.event":
        return Thin(event["id"], event["type"], str((event.get("related_object") or {}).get("id") or ""))
    body = event["data"]["object"]
    before = (event["data"].get("previous_attributes") or {}).get("customer")
    seen = Observation(at=datetime.fromtimestamp(event["created"], UTC), event_id=event["id"])
    customer_id = body["id"] if body.get("object") == "customer" else body.get("customer") or before
    return Told(
        STRIPE,
        event["id"],
        event["type"],
        str(customer_id or ""),
        int(event["created"]) * 1000,
        told_by_stripe(event["type"], body, seen) if customer_id else None,
    )


def _braintree(record: Record, headers: Mapping[str, str]) -> Told:
    kept = orjson.loads(record.value or b"")
    notice = braintree.read(kept["bt_payload"])
    seen = Observation(at=notice.at, event_id=headers["wh_id"][:255])
    return Told(
        BRAINTREE,
        headers["wh_id"],
        headers["wh_type"],
        notice.customer_id or "",
        int(notice.at.timestamp() * 1000),
        told_by_braintree(notice, seen),
        notice.token or "",
    )
