"""A payment method as it is kept, the order in which an account's are charged, and what callers are shown."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from handlers.account import Account, Part
from handlers.ordering import Seen
from topics.payment_methods import MethodBilling, MethodDetails, MethodKind, MethodState, Processor
from topics.value import value

BILLING_FIELDS: Final = tuple(MethodBilling.model_fields)
FINAL: Final = frozenset({MethodState.REVOKED, MethodState.DETACHED})
"""States that a method does not leave, and in which it is a tombstone. An expired card may get a new date."""

AT_ONCE: Final = timedelta(days=1)
"""Longer than any authentication takes."""
REMOVED: Final = "It was removed."
ERASED: Final = "The account was erased."
ELSEWHERE: Final = "It belongs to another Stripe customer than the account's."
"""Why a method ended that Stripe has not ended: it is the account's again when that customer is."""


@value
class PaymentMethod:
    """One method, tombstones included.

    `chosen_on` is when it was chosen to be the default, which it is while it is active. `setup_intent` and
    `deadline` are set while the customer has to authenticate, `reason` says why it stands as it does.
    `released`: its processor let it go. `warned` is the month of expiry (`2026-12`) that was warned of.
    """

    id: str
    details: MethodDetails
    state: MethodState
    version: int
    created_on: datetime
    edited_on: datetime
    default: bool = False
    chosen_on: datetime | None = None
    billing: Mapping[str, str | None] = field(default_factory=dict)
    setup_intent: str | None = None
    deadline: datetime | None = None
    reason: str | None = None
    released: bool = False
    warned: str | None = None
    seen: Seen | None = None

    @property
    def gone(self) -> bool:
        """Whether it is a tombstone."""
        return self.state in FINAL

    @property
    def verifying(self) -> bool:
        """Whether it waits for deposits to arrive, which takes days and holds up nothing else."""
        waits = self.state is MethodState.PENDING_SETUP and self.deadline is not None
        return waits and self.deadline is not None and self.deadline - self.created_on > AT_ONCE

    @property
    def elsewhere(self) -> bool:
        """Whether it ended here only because another customer of Stripe's has it."""
        return self.gone and self.reason == ELSEWHERE


@value
class PaymentMethods:
    """An account's methods by id. `touched` are those that changed since they were loaded."""

    methods: Mapping[str, PaymentMethod]
    touched: frozenset[str] = frozenset()

    def put(self, *methods: PaymentMethod) -> "PaymentMethods":
        """With these in the place of their former selves."""
        changed = {method.id: method for method in methods}
        return PaymentMethods({**self.methods, **changed}, self.touched | changed.keys())

    def referred(self, reference: str) -> PaymentMethod | None:
        """The method that a processor calls so: one that is no tombstone, else one that may come back, first."""
        found = [one for one in self.methods.values() if one.details.reference == reference]
        return min(found, key=lambda one: (one.gone, not one.elsewhere), default=None)


PAYMENT_METHODS: Final[Part[PaymentMethods]] = Part("payment_methods")
NO_METHODS: Final = PaymentMethods(MappingProxyType({}))


def methods_of(account: Account) -> PaymentMethods:
    """The account's methods, none when it never had one."""
    return account.get(PAYMENT_METHODS) or NO_METHODS


def method_id_of(reference: str) -> str:
    """Our id of a method that Stripe made: the same whoever tells of it first."""
    return hashlib.sha256(f"stripe:{reference}".encode()).hexdigest()[:32]


def vaulted_id_of(token: str) -> str:
    """Our id of an agreement by its token in the vault: what we vaulted has the method's id as its token."""
    return token if re.fullmatch("[0-9a-f]{32}", token) else method_id_of(f"braintree:{token}")


def ladder(methods: PaymentMethods) -> list[PaymentMethod]:
    """The usable methods in the order in which they are charged: the default, then the oldest first (DOMAIN.md 4)."""
    usable = [one for one in methods.methods.values() if one.state is MethodState.ACTIVE]
    return sorted(usable, key=lambda one: (not one.default, one.created_on, one.id))


def default_of(methods: PaymentMethods) -> PaymentMethod | None:
    """The default method; there is one while any is active."""
    return next((one for one in methods.methods.values() if one.default), None)


def first_at(methods: PaymentMethods, processor: Processor) -> PaymentMethod | None:
    """The method that shall be the default at one processor: the first of the ladder that it keeps."""
    return next((one for one in ladder(methods) if one.details.processor is processor), None)


def payer_email(methods: PaymentMethods) -> str | None:
    """The address of whoever pays by PayPal, as PayPal knows it: of the agreement that is charged first."""
    emails = (one.details.payer_email for one in ladder(methods) if one.details.kind is MethodKind.PAYPAL)
    return next((email for email in emails if email), None)


def living(methods: PaymentMethods) -> list[PaymentMethod]:
    """All but tombstones, as they are listed: the ladder first, then the others by age."""
    rest = [one for one in methods.methods.values() if not one.gone and one.state is not MethodState.ACTIVE]
    return [*ladder(methods), *sorted(rest, key=lambda one: (one.created_on, one.id))]


def at(methods: PaymentMethods, processor: Processor) -> Iterable[PaymentMethod]:
    """Those that one processor keeps, tombstones included."""
    return (one for one in methods.methods.values() if one.details.processor is processor)


def changed(method: PaymentMethod, now: datetime, **fields: Any) -> PaymentMethod:
    """The method after a change: one version on."""
    after: PaymentMethod = replace(method, version=method.version + 1, edited_on=now, **fields)
    return after


def ended(
    method: PaymentMethod, state: MethodState, reason: str, now: datetime, **fields: Any
) -> PaymentMethod:
    """The tombstone of a method: not the default, nothing to authenticate any more."""
    over: dict[str, Any] = {"default": False, "chosen_on": None, "setup_intent": None, "deadline": None}
    return changed(method, now, state=state, reason=reason, **over, **fields)


def left_behind(method: PaymentMethod, now: datetime) -> PaymentMethod:
    """A method that another customer of Stripe's has: not ours to charge nor to let go. That it was chosen stays."""
    left = ended(method, MethodState.DETACHED, ELSEWHERE, now, released=True)
    return replace(left, chosen_on=method.chosen_on)


def bare(details: MethodDetails) -> MethodDetails:
    """What is needed to let a method go, and nothing about whoever paid with it."""
    return MethodDetails(processor=details.processor, kind=details.kind, reference=details.reference)


def unwanted(found: PaymentMethod, reason: str) -> PaymentMethod:
    """A method that came to light when it was not to be kept any more: a tombstone that is to be let go."""
    after: PaymentMethod = replace(
        found,
        details=bare(found.details),
        state=MethodState.DETACHED,
        reason=reason,
        released=found.gone and found.released,
    )
    return after


def view(method: PaymentMethod) -> dict[str, Any]:
    """What a caller is told of a method, JSON-ready, in the public API's words."""
    details = method.details
    return {
        "id": method.id,
        "type": details.kind.value,
        "status": method.state.value,
        "default": method.default,
        **{name: method.billing.get(name) for name in BILLING_FIELDS},
        "last_four": details.last_four,
        "expiration_date": _expiration(details),
        "brand": details.brand,
        "wallet": details.wallet,
        "payment_gateway": details.processor.value.upper(),
        "payment_email": details.payer_email,
        "payment_account_email": details.payer_email,
        "bank_name": details.bank_name,
        "bank_country": details.bank_country,
        "bank_code": details.bank_code,
        "bank_account_type": details.bank_account_type,
        "cashapp_cash_tag": details.cashtag,
        "reason": method.reason,
        "deadline": utc(method.deadline) if method.deadline else None,
        "version": method.version,
    }


def utc(moment: datetime) -> str:
    """RFC 3339 with Z (DOMAIN.md 10)."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _expiration(details: MethodDetails) -> str | None:
    if details.exp_month is None or details.exp_year is None:
        return None
    return f"{details.exp_month:02}/{details.exp_year}"
