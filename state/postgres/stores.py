"""Every part's store, in the order of saving: the one place where a capability's tables are wired in."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from handlers.account import Part
from state.postgres import (
    accounts,
    payment_methods,
    paypal_batches,
    paypal_migrations,
    profiles,
    stripe_customers,
    subscriptions,
)
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
