"""Every part's store, in the order of saving, and what an erasure scrubs: where a capability's tables are wired in."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from handlers.account import Part
from state.postgres import (
    accounts,
    drift,
    journal,
    payment_methods,
    paypal_batches,
    paypal_migrations,
    profiles,
    stripe_customers,
    subscriptions,
)
from state.postgres.connection import Connection
from state.postgres.store import Store

CAPABILITIES: Final = (
    accounts,
    profiles,
    stripe_customers,
    payment_methods,
    subscriptions,
    paypal_batches,
    paypal_migrations,
)

STORES: Final[Mapping[Part[Any], Store[Any]]] = MappingProxyType(
    {capability.STORE.part: capability.STORE for capability in CAPABILITIES}
)

QUOTING: Final = (drift, journal)
"""Rooms that keep of an account what is in none of its parts, and so in no decision to erase it. Each says in `FORGET`,
by statements with the accounts' ids as their only parameter, what of that goes."""


def at_once(statements: Iterable[str]) -> str:
    """One statement that does what these do, as they change different tables: one round trip."""
    *others, last = (one.rstrip().removesuffix(";") for one in statements)
    beside = ", ".join(f"of_{number} AS (\n{one}\n)" for number, one in enumerate(others))
    return f"WITH {beside}\n{last}" if beside else last


FORGET: Final = at_once(statement for room in QUOTING for statement in room.FORGET)


async def forget(connection: Connection, account_ids: Sequence[str]) -> None:
    """Scrub what is said of these accounts outside of their parts, under their locks."""
    await connection.execute(FORGET, account_ids)
