"""Stripe's customer as a plain value, beside the projection it shall agree with (handlers/stripe_projection.py)."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from handlers.profile_rules import StripeTaxId
from handlers.stripe_projection import ADDRESS_FIELDS, Projection
from state.stripe.answers import Answer
from state.stripe.client import Caller, all_pages, each, keyed, paged, typed
from state.stripe.references import reference

CREATE: Final = "POST /v1/customers"
LIST: Final = "GET /v1/customers"
UPDATE: Final = "POST /v1/customers/{customer}"
RETRIEVE: Final = "GET /v1/customers/{customer}"
DELETE: Final = "DELETE /v1/customers/{customer}"
CREATE_TAX_ID: Final = "POST /v1/customers/{customer}/tax_ids"
DELETE_TAX_ID: Final = "DELETE /v1/customers/{customer}/tax_ids/{id}"
_WITH_TAX_IDS: Final = {"expand": ["tax_ids"]}


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
    default_payment_method: str | None = None

    @property
    def account_id(self) -> str | None:
        """The account it says it was made for."""
        return (self.metadata or {}).get("account_id")


async def create(ask: Caller, params: Mapping[str, Any], *, key: str) -> Answer[Customer]:
    """A new customer."""
    return await ask.call(
        CREATE, lambda sdk: sdk.v1.customers.create_async(typed(params), keyed(key)), customer, params
    )


async def update(ask: Caller, customer_id: str, params: Mapping[str, Any], *, key: str) -> Answer[Customer]:
    """The customer after the update, with its tax ids. A deleted one is `resource_missing`."""
    given = typed({**params, **_WITH_TAX_IDS})
    return await ask.call(
        UPDATE, lambda sdk: sdk.v1.customers.update_async(customer_id, given, keyed(key)), customer, params
    )


async def choose_default(
    ask: Caller, customer_id: str, payment_method: str | None, *, key: str
) -> Answer[Customer]:
    """The customer whose subscriptions and invoices are charged to this method, or to none, from now on."""
    params = {"invoice_settings": {"default_payment_method": payment_method or ""}}
    return await update(ask, customer_id, params, key=key)


async def retrieve(ask: Caller, customer_id: str) -> Answer[Customer]:
    """The customer with its tax ids, or the stub of a deleted one."""
    return await ask.call(
        RETRIEVE, lambda sdk: sdk.v1.customers.retrieve_async(customer_id, typed(_WITH_TAX_IDS)), customer
    )


async def delete(ask: Caller, customer_id: str) -> Answer[Customer]:
    """The stub of the customer. It takes its payment methods and subscriptions with it."""
    return await ask.call(DELETE, lambda sdk: sdk.v1.customers.delete_async(customer_id), customer)


async def listed(
    ask: Caller, *, created_from: datetime, after: str | None = None
) -> Answer[tuple[Customer, ...]]:
    """A page of up to 100 customers created since then, newest first, behind the id `after`."""
    params = paged({"created": {"gte": int(created_from.timestamp())}}, after)
    return await ask.call(LIST, lambda sdk: sdk.v1.customers.list_async(params), each(customer))


def created_since(ask: Caller, moment: datetime) -> AsyncIterator[Answer[tuple[Customer, ...]]]:
    """Every page of customers created since then; ends with the first answer that is not `Done`."""
    return all_pages(lambda after: listed(ask, created_from=moment, after=after))


async def page(ask: Caller, *, after: str | None = None) -> Answer[tuple[Customer, ...]]:
    """A page of up to 100 of all customers with their tax ids, newest first, behind the id `after`."""
    params = {**paged({}, after), "expand": ["data.tax_ids"]}
    return await ask.call(LIST, lambda sdk: sdk.v1.customers.list_async(typed(params)), each(customer))


async def create_tax_id(ask: Caller, customer_id: str, kind: str, value: str, *, key: str) -> Answer[TaxId]:
    """A new tax id of the customer; Stripe refuses a value that has not the form of its type."""
    params = {"type": kind, "value": value}
    return await ask.call(
        CREATE_TAX_ID,
        lambda sdk: sdk.v1.customers.tax_ids.create_async(customer_id, typed(params), keyed(key)),
        tax_id,
        params,
    )


async def delete_tax_id(ask: Caller, customer_id: str, held: str) -> Answer[str]:
    """The id of the tax id that is gone."""
    return await ask.call(
        DELETE_TAX_ID,
        lambda sdk: sdk.v1.customers.tax_ids.delete_async(customer_id, held),
        lambda body: str(body["id"]),
    )


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
        default_payment_method=reference(invoices.get("default_payment_method")),
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
    """The fields, tax ids apart, in which the customer is not what it shall be.

    Stripe keeps no blank metadata: a blank key is one that is not there.
    """
    fields = ("name", "email", "phone", "address", "preferred_locales")
    wrong = [
        field
        for field in fields
        if (wanted := getattr(desired, field)) is not None and wanted != getattr(found, field)
    ]
    held = found.metadata or {}
    return wrong + [
        f"metadata.{key}" for key, value in desired.metadata.items() if (held.get(key) or "") != value
    ]


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
