"""Stripe against our accounts, from outside: one customer for each that should have one, and it agrees."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from handlers.account import Part
from handlers.accounts import ACCOUNT
from handlers.payment_method import NO_METHODS
from handlers.profiles import PROFILE, Profile
from handlers.stripe_customers import STRIPE_CUSTOMER, StripeCustomer
from handlers.stripe_projection import digest, project
from tests.drills.complaint import Complaint, differing

ONE: Final = "one Stripe customer for each account that should have one"
AGREES: Final = "the Stripe customer agrees with the account"
Body = Mapping[str, Any]


def check_stripe(
    customers: Iterable[Body], tax_ids: Iterable[Body], states: Mapping[str, Mapping[Part[Any], Any]]
) -> Iterator[Complaint]:
    """Judge all living customers and tax ids of the double against the accounts' final states."""
    made: dict[str, list[Body]] = defaultdict(list)
    for customer in customers:
        made[str(customer["metadata"].get("account_id"))].append(customer)
    held: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for tax_id in tax_ids:
        held[tax_id["customer"]].append((tax_id["type"], _bare(tax_id["value"])))
    for stranger in sorted(made.keys() - states.keys()):
        yield Complaint(ONE, f"account {stranger}", "it is unknown and has a customer")
    for account_id, state in states.items():
        yield from _account(account_id, state, made.get(account_id, []), held)


def _account(
    account_id: str,
    state: Mapping[Part[Any], Any],
    found: Sequence[Body],
    held: Mapping[str, Sequence[tuple[str, str]]],
) -> Iterator[Complaint]:
    where = f"account {account_id}"
    profile: Profile | None = state[PROFILE]
    link: StripeCustomer = state[STRIPE_CUSTOMER] or StripeCustomer()
    ids = [customer["id"] for customer in found]
    wanted = [link.customer_id] if link.customer_id else []
    if ids != wanted:
        yield Complaint(ONE, where, f"linked to {wanted}, Stripe has {ids}")
    elif profile is not None and not profile.deleted_on and not ids:
        yield Complaint(ONE, where, "it has a profile and no customer")
    for customer in found:
        if customer["id"] in wanted:
            desired = project(account_id, state[ACCOUNT], profile, NO_METHODS)
            must, is_so = _must(desired), _is(customer, held)
            if must != is_so:
                yield Complaint(AGREES, f"{where}, {customer['id']}", differing(must, is_so))
            if link.projection != digest(desired):
                yield Complaint(AGREES, where, "what we remember of the customer is not what it shall be")


def _must(desired: Any) -> dict[str, Any]:
    return {
        "name": desired.name,
        "email": desired.email,
        "phone": desired.phone,
        "address": dict(desired.address or {}),
        "preferred_locales": list(desired.preferred_locales or ()),
        "metadata": dict(desired.metadata),
        "tax_ids": sorted((one.type, _bare(one.value)) for one in desired.tax_ids or ()),
    }


def _is(customer: Body, held: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, Any]:
    address = customer.get("address") or {}
    return {
        **{name: customer.get(name) or "" for name in ("name", "email", "phone")},
        "address": {part: value or "" for part, value in address.items()},
        "preferred_locales": customer.get("preferred_locales") or [],
        "metadata": customer["metadata"],
        "tax_ids": sorted(held.get(customer["id"], ())),
    }


def _bare(value: str) -> str:
    return "".join(filter(str.isalnum, value)).upper()
