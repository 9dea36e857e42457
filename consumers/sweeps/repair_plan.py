"""What would end a difference, and the command that asks for it. Pure."""

from collections.abc import Iterable
from typing import Final

from consumers.sweeps.differences import (
    AGREEMENTS,
    COLLECTION,
    DEFAULT,
    METHODS,
    SUBSCRIPTIONS,
    VAULT_DEFAULT,
)
from handlers.drift import Difference
from topics.drift import MOST_OBJECTS, RepairDrift

_NAMES: Final = {"stripe": "Stripe", "braintree": "Braintree"}


def repair_of(found: Iterable[Difference]) -> RepairDrift:
    """The command that ends these differences of one account; of very many objects those that come first."""
    customer = collection = vault = False
    read: dict[str, dict[str, None]] = {METHODS: {}, SUBSCRIPTIONS: {}, AGREEMENTS: {}}
    for one in found:
        part, *rest = one.field.split(".")
        collection = collection or part == DEFAULT or COLLECTION in rest
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
    part, *rest = one.field.split(".")
    place = _NAMES[one.processor]
    if part in (METHODS, AGREEMENTS) and _held_on(one):
        return f"let go at {place}"
    if part in (METHODS, SUBSCRIPTIONS, AGREEMENTS) and COLLECTION not in rest:
        return f"taken over from {place}" if one.theirs is not None else "ended here"
    return f"written to {place}" if one.ours is not None else f"cleared at {place}"


def _held_on(one: Difference) -> bool:
    """Whether we removed it, and the processor still has it."""
    return one.ours in ("detached", "revoked") and one.theirs in ("attached", "vaulted")
