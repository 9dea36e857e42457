"""Stripe's customer as a plain value, beside the projection it shall agree with (handlers/stripe_projection.py)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from handlers.profile_rules import StripeTaxId
from handlers.stripe_projection import ADDRESS_FIELDS, Projection


@dataclass(frozen=True, slots=True)
class TaxId:
    """A tax id as Stripe keeps it."""

    id: str
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as Stripe shows it. A deleted one has its id and nothing else.

    `tax_ids` is None when they were not asked for. `in_use`: it has a payment method or a balance.
    """

    id: str
    deleted: bool = False
    created: datetime | None = None
    name: str = ""
    email: str = ""
    phone: str = ""
    address: Mapping[str, str] | None = None
    preferred_locales: tuple[str, ...] = ()
    metadata: Mapping[str, str] | None = None
    tax_ids: tuple[TaxId, ...] | None = None
    in_use: bool = False

    @property
    def account_id(self) -> str | None:
        """The account it says it was made for."""
        return (self.metadata or {}).get("account_id")


def customer(body: Mapping[str, Any]) -> Customer:
    """The value of a customer object or of the stub of a deleted one."""
    if body.get("deleted"):
        return Customer(body["id"], deleted=True)
    address = body.get("address") or {}
    invoices = body.get("invoice_settings") or {}
    return Customer(
        id=body["id"],
        created=datetime.fromtimestamp(body["created"], UTC),
        name=body.get("name") or "",
        email=body.get("email") or "",
        phone=body.get("phone") or "",
        address={part: address.get(part) or "" for part in ADDRESS_FIELDS},
        preferred_locales=tuple(body.get("preferred_locales") or ()),
        metadata=dict(body.get("metadata") or {}),
        tax_ids=_tax_ids(body),
        in_use=bool(
            body.get("default_source") or invoices.get("default_payment_method") or body.get("balance")
        ),
    )


def _tax_ids(body: Mapping[str, Any]) -> tuple[TaxId, ...] | None:
    listed = body.get("tax_ids")
    return tuple(tax_id(found) for found in listed["data"]) if listed else None


def tax_id(body: Mapping[str, Any]) -> TaxId:
    """The value of a tax id object."""
    return TaxId(body["id"], body["type"], body["value"])


def parameters(desired: Projection) -> dict[str, Any]:
    """The parameters of an update to the projection, tax ids apart. An address is sent with all its parts,
    as Stripe keeps those that are not named."""
    given: dict[str, Any] = {"metadata": dict(desired.metadata)}
    for field in ("name", "email", "phone"):
        if (value := getattr(desired, field)) is not None:
            given[field] = value
    if desired.address is not None:
        given["address"] = dict(desired.address)
    if desired.preferred_locales is not None:
        given["preferred_locales"] = list(desired.preferred_locales)
    return given


def differing(found: Customer, desired: Projection) -> list[str]:
    """The fields, tax ids apart, in which the customer is not what it shall be."""
    fields = ("name", "email", "phone", "address", "preferred_locales")
    wrong = [
        field
        for field in fields
        if (wanted := getattr(desired, field)) is not None and wanted != getattr(found, field)
    ]
    held = found.metadata or {}
    return wrong + [f"metadata.{key}" for key, value in desired.metadata.items() if held.get(key) != value]


def tax_id_changes(
    found: Iterable[TaxId], desired: Iterable[StripeTaxId]
) -> tuple[list[StripeTaxId], list[TaxId]]:
    """The tax ids to create and those to delete: a second copy is one too many."""
    kept: set[tuple[str, str]] = set()
    wanted = {_spelling(one.type, one.value): one for one in desired}
    surplus = []
    for held in found:
        spelling = _spelling(held.type, held.value)
        if spelling in wanted and spelling not in kept:
            kept.add(spelling)
        else:
            surplus.append(held)
    return [one for spelling, one in wanted.items() if spelling not in kept], surplus


def _spelling(kind: str, value: str) -> tuple[str, str]:
    """Punctuation and case are a matter of taste, not another number."""
    return kind, "".join(filter(str.isalnum, value)).upper()
