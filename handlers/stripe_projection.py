"""The desired Stripe customer, as a pure projection of our account, and how far Stripe is from it (DESIGN.md 7).

Identity goes from us to Stripe. What we do not own is left alone: an account that never had a profile says
nothing about name or address; one whose profile was deleted or erased says that they are blank. Stripe sends no
invoice without an e-mail, so whoever pays by PayPal and names none is reached where PayPal does.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, Literal

from handlers.accounts import AccountRecord
from handlers.payment_method import PaymentMethods, first_at, payer_email
from handlers.profile_rules import StripeTaxId, e164, stripe_tax_id
from handlers.profiles import Profile
from handlers.stripe_customers import StripeCustomer
from topics.accounts import Flag
from topics.payment_methods import Processor

DEFAULT_LOCALE: Final = "en"
"""Stripe has no way to take a customer's locales back, so an account without one has this."""

ADDRESS_FIELDS: Final[Mapping[str, str]] = {
    "line1": "address",
    "line2": "address2",
    "city": "city",
    "state": "state",
    "postal_code": "zipcode",
    "country": "country",
}
"""Stripe's name of each part of an address, and the profile's."""

LONGEST_PHONE: Final = 20
METADATA_KEYS, METADATA_KEY_LENGTH, METADATA_VALUE_LENGTH = 50, 40, 500
"""Stripe's limits (docs.stripe.com/metadata, DOMAIN.md 2)."""

SHARED_REASON: Final = "Several accounts share this Stripe customer, so it is not changed automatically."


class MetadataLimitError(Exception):
    """The metadata to mirror does not fit into Stripe's limits: a defect of the whitelist."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"metadata {key!r}: {problem}")
        self.key, self.problem = key, problem


@dataclass(frozen=True, slots=True)
class Projection:
    """What Stripe shall hold. None leaves a field alone, "" and () make it blank.

    `address` has all of `ADDRESS_FIELDS` when it is ours. `metadata` names only the keys we mirror.
    """

    name: str | None
    email: str | None
    phone: str | None
    address: Mapping[str, str] | None
    preferred_locales: tuple[str, ...] | None
    tax_ids: tuple[StripeTaxId, ...] | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SyncState:
    """How far Stripe is from the account: `reason` and `since` as far as they are known."""

    state: Literal["none", "pending", "synced", "failed"]
    reason: str | None = None
    since: datetime | None = None


def project(
    account_id: str, record: AccountRecord, profile: Profile | None, methods: PaymentMethods
) -> Projection:
    """The customer that Stripe shall hold for the account. A profile with `deleted_on` counts as blank."""
    metadata = checked_metadata(
        {
            **_braintree(account_id, methods),
            "account_id": account_id,
            "account_type": record.type.value,
            "bad_debt": "true" if record.flags & Flag.BAD_DEBT else "false",
        }
    )
    if profile is None:
        return Projection(None, _payers(methods), None, None, None, None, metadata)
    fields = {} if profile.deleted_on else profile.fields
    tax_id = stripe_tax_id(fields)
    return Projection(
        name=_name(fields),
        email=fields.get("billing_email") or payer_email(methods) or "",
        phone=_phone(fields),
        address={ours: fields.get(theirs) or "" for ours, theirs in ADDRESS_FIELDS.items()},
        preferred_locales=(fields.get("preferred_locale") or DEFAULT_LOCALE,),
        tax_ids=(tax_id,) if tax_id else (),
        metadata=metadata,
    )


def _braintree(account_id: str, methods: PaymentMethods) -> Mapping[str, str]:
    """Whose vault holds its PayPal agreement: the Braintree customer has the account's id. Blank once it had one."""
    if first_at(methods, Processor.BRAINTREE) is not None:
        return {"braintree_id": account_id}
    return {"braintree_id": ""} if _ever_at_braintree(methods) else {}


def _payers(methods: PaymentMethods) -> str | None:
    """The e-mail of an account without a profile. Blank once it paid by PayPal: the address must not stay."""
    return payer_email(methods) or ("" if _ever_at_braintree(methods) else None)


def _ever_at_braintree(methods: PaymentMethods) -> bool:
    return any(one.details.processor is Processor.BRAINTREE for one in methods.methods.values())


def bare(account_id: str) -> Projection:
    """A customer as it is created: it says whose it is and nothing about a person."""
    return Projection(None, None, None, None, None, None, checked_metadata({"account_id": account_id}))


def digest(projection: Projection) -> str:
    """SHA-256 in hexadecimal of the projection's canonical JSON: equal digests, equal customers."""
    text = json.dumps(asdict(projection), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def sync_state(
    account_id: str,
    record: AccountRecord,
    profile: Profile | None,
    methods: PaymentMethods,
    customer: StripeCustomer | None,
) -> SyncState:
    """Whether Stripe holds what it shall, from what the account knows of its customer.

    A failure that is remembered is later than the last sync that went well.
    """
    known = customer or StripeCustomer()
    if known.customer_id is None and (profile is None or profile.deleted_on):
        return SyncState("none")
    if known.merged:
        return SyncState("failed", SHARED_REASON, known.shared_as_of)
    desired = digest(project(account_id, record, profile, methods))
    if known.failure is not None and known.failure.projection == desired:
        return SyncState("failed", known.failure.reason, known.failure.at)
    if known.projection == desired:
        return SyncState("synced", None, known.synced_at)
    edits = (record.edited_on, profile.edited_on) if profile else (record.edited_on,)
    return SyncState("pending", None, max(edits))


def checked_metadata(metadata: Mapping[str, str]) -> Mapping[str, str]:
    """The same metadata. Raises `MetadataLimitError` when Stripe would refuse it."""
    if len(metadata) > METADATA_KEYS:
        raise MetadataLimitError(max(metadata), f"more than {METADATA_KEYS} keys")
    for key, value in metadata.items():
        if not 0 < len(key) <= METADATA_KEY_LENGTH:
            raise MetadataLimitError(key, f"a key has 1 to {METADATA_KEY_LENGTH} characters")
        if "[" in key or "]" in key:
            raise MetadataLimitError(key, "a key has no square brackets")
        if len(value) > METADATA_VALUE_LENGTH:
            raise MetadataLimitError(key, f"a value has at most {METADATA_VALUE_LENGTH} characters")
    return metadata


def _name(fields: Mapping[str, str | None]) -> str:
    """The company, else the person: what stands on an invoice."""
    person = " ".join(part for part in (fields.get("first_name"), fields.get("last_name")) if part)
    return fields.get("company") or person


def _phone(fields: Mapping[str, str | None]) -> str:
    """E.164 if it can be written so; what Stripe has no room for is left out rather than cut."""
    typed = fields.get("telephone") or ""
    number = e164(typed, fields.get("country")) or typed
    return number if len(number) <= LONGEST_PHONE else ""
