"""What events mean for Stripe: whose customer may have to change, and which customers may be shared.

A tolerant reader: it looks at the type, the account and, of a link, the two customers, and at nothing else.
What it can't make out becomes a dead letter; types that do not concern Stripe are passed over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from topics.accounts import AccountErased, AccountTypeChanged, FlagsChanged
from topics.codec import URGENCIES, Reason, Rejected
from topics.ids import ACCOUNT_ID
from topics.message import Record, Urgency
from topics.payment_methods import PaymentMethodChanged
from topics.profiles import ProfileChanged, ProfileDeleted
from topics.stripe_customers import StripeCustomerLinked, StripeCustomerMerged, StripeSyncRequested

RELEVANT: Final = frozenset(
    event.type.encode()
    for event in (
        AccountErased,
        AccountTypeChanged,
        FlagsChanged,
        PaymentMethodChanged,
        ProfileChanged,
        ProfileDeleted,
        StripeCustomerLinked,
        StripeCustomerMerged,
        StripeSyncRequested,
    )
)
_LINKED: Final = StripeCustomerLinked.type.encode()
_REQUESTED: Final = StripeSyncRequested.type.encode()
UNAWAITED: Final = Urgency.WEBHOOK
"""A change is answered before it is at Stripe: its sync gives way to what somebody waits for, such as a card to add."""
LONGEST_CUSTOMER_ID: Final = 255
"""Of any of Stripe's ids (docs.stripe.com/upgrades)."""


@dataclass(frozen=True, slots=True)
class Notice:
    """An account's Stripe customer may differ from what it shall be; `forced` when somebody asked for a sync."""

    forced: bool
    cause: str | None
    urgency: Urgency = UNAWAITED


@dataclass(slots=True)
class Notices:
    """What a batch of events comes to. `customers` gained a holder, `left` lost one; both with the cause."""

    accounts: dict[str, Notice] = field(default_factory=dict)
    customers: dict[str, str | None] = field(default_factory=dict)
    left: dict[str, str | None] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)


def noticed(records: Iterable[Record]) -> Notices:
    """Read a batch. However often it is read again, it asks for the same."""
    notices = Notices()
    for record in records:
        headers = {name: value or b"" for name, value in record.headers}
        kind = headers.get("ce_type", b"")
        if kind in RELEVANT:
            _notice(notices, record, kind, headers)
    return notices


def _notice(notices: Notices, record: Record, kind: bytes, headers: Mapping[str, bytes]) -> None:
    account_id = headers.get("ce_subject", b"").decode(errors="replace")
    if not ACCOUNT_ID.fullmatch(account_id):
        detail = "ce_subject is not an account id of 32 hexadecimal characters"
        notices.rejected.append(Rejected(record, Reason.BAD_KEY, detail))
        return
    cause = _cause(headers)
    before = notices.accounts.get(account_id)
    forced = kind == _REQUESTED or bool(before and before.forced)
    urgency = _urgency(headers, asked_for=kind == _REQUESTED)
    notices.accounts[account_id] = Notice(forced, cause, min(urgency, before.urgency) if before else urgency)
    if kind == _LINKED:
        _link(notices, record, cause)


def _urgency(headers: Mapping[str, bytes], *, asked_for: bool) -> Urgency:
    said = URGENCIES.get(headers.get("ce_urgency", b"").decode(errors="replace"), Urgency.CUSTOMER)
    return said if asked_for else max(said, UNAWAITED)


def _link(notices: Notices, record: Record, cause: str | None) -> None:
    try:
        body = orjson.loads(record.value or b"")
        customer_id, before = body["customer_id"], body.get("before")
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        customer_id = before = None
    if not _is_id(customer_id) or not (before is None or _is_id(before)):
        detail = "a link names its customers in customer_id and before"
        notices.rejected.append(Rejected(record, Reason.BAD_BODY, detail))
        return
    notices.customers[customer_id] = cause
    if before:
        notices.left[before] = cause


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_CUSTOMER_ID and value.isprintable()


def _cause(headers: Mapping[str, bytes]) -> str | None:
    """The command behind the event."""
    cause = headers.get("ce_causationid", b"").decode(errors="replace")
    return cause if cause.isprintable() and 0 < len(cause) <= LONGEST_CUSTOMER_ID else None
