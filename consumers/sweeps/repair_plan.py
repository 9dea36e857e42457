"""What would end a difference, and the command that asks for it. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final

from consumers.sweeps.differences import (
    AGREEMENTS,
    COLLECTION,
    CUSTOMER,
    DEFAULT,
    METHODS,
    SUBSCRIPTIONS,
    VAULT_DEFAULT,
    WANTED,
)
from handlers.drift import BEYOND_REPAIR, Cause, Difference
from topics.drift import MOST_OBJECTS, RepairDrift

_NAMES: Final = {"stripe": "Stripe", "braintree": "Braintree"}
LEFT_TO: Final[Mapping[str, str]] = {
    Cause.MERGED: "left until each account has a customer of its own",
    Cause.NOT_MIGRATED: "left to the PayPal migration",
    Cause.CUSTOMER_DELETED: "left until the account is linked to another customer",
    Cause.NOT_UNDERSTOOD: "left to a version that knows it",
}
"""Who ends what no repair does."""


def repair_of(found: Iterable[Difference]) -> RepairDrift:
    """The command that ends these differences of one account; of very many objects those that come first.

    That a customer is gone is told by whoever would bring its payments in line. What no repair ends is left out.
    """
    customer = collection = vault = False
    read: dict[str, dict[str, None]] = {METHODS: {}, SUBSCRIPTIONS: {}, AGREEMENTS: {}}
    for one in found:
        if one.cause in BEYOND_REPAIR:
            continue
        part, *rest = one.field.split(".")
        collection = collection or part == DEFAULT or COLLECTION in rest or _customer_gone(one)
        vault = vault or part == VAULT_DEFAULT or (part == AGREEMENTS and _held_on(one))
        customer = customer or part not in {*read, DEFAULT, VAULT_DEFAULT}
        if part in read and COLLECTION not in rest:
            read[part][rest[0]] = None
    return RepairDrift(
        customer=customer,
        collection=collection,
        vault=vault,
        payment_methods=tuple(read[METHODS])[:MOST_OBJECTS],
        subscriptions=tuple(read[SUBSCRIPTIONS])[:MOST_OBJECTS],
        agreements=tuple(read[AGREEMENTS])[:MOST_OBJECTS],
    )


def consequence(one: Difference) -> str:
    """What a repair would do about a difference, in a sentence for people."""
    if one.cause in BEYOND_REPAIR:
        return LEFT_TO[one.cause]
    if _customer_gone(one):
        return "told here: its methods end, the account waits for another customer"
    part, *rest = one.field.split(".")
    place = _NAMES[one.processor]
    if part in (METHODS, AGREEMENTS) and _held_on(one):
        return f"let go at {place}"
    if part in (METHODS, SUBSCRIPTIONS, AGREEMENTS) and COLLECTION not in rest:
        return f"taken over from {place}" if one.theirs is not None else "ended here"
    return f"written to {place}" if one.ours is not None else f"cleared at {place}"


def _customer_gone(one: Difference) -> bool:
    """Whether the account's customer is gone at Stripe, and the account does not know."""
    return one.field == CUSTOMER and one.ours != WANTED


def _held_on(one: Difference) -> bool:
    """Whether we removed it, and the processor still has it."""
    return one.ours in ("detached", "revoked") and one.theirs in ("attached", "vaulted")
