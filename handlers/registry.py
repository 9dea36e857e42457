"""Every handler by the message it decides about, and the one way to call them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from handlers import (
    accounts,
    drift,
    payment_methods,
    paypal_batches,
    paypal_migrations,
    profiles,
    stripe_customers,
    subscriptions,
)
from handlers.account import Account, Part
from handlers.accounts import ACCOUNT
from handlers.decision import Context, Decision, Refused
from handlers.dispatch import Handler
from topics.codes import Code
from topics.message import Kind, Message, Role

CAPABILITIES: Final = (
    accounts,
    profiles,
    stripe_customers,
    payment_methods,
    subscriptions,
    drift,
    paypal_batches,
    paypal_migrations,
)

_ALL: Final[tuple[Handler[Any], ...]] = tuple(h for capability in CAPABILITIES for h in capability.HANDLERS)

HANDLERS: Final[Mapping[type[Message], Handler[Any]]] = MappingProxyType({h.message: h for h in _ALL})

if len(HANDLERS) != len(_ALL):
    raise ValueError("a message type has two handlers: one of them would never be asked")


def needs_of(message: Message) -> tuple[Part[Any], ...]:
    """The parts, besides the account's own record, that the decision about `message` reads."""
    return HANDLERS[type(message)].needs


def decide(account: Account, message: Message, context: Context) -> Decision:
    """Decide about one message under the guards that hold for all of them.

    Unknown accounts are refused (1404); a locked account takes commands of support alone (1309).
    """
    handler = HANDLERS[type(message)]
    record = account.get(ACCOUNT)
    if record is None and not handler.unknown_account:
        return Refused(Code.NOT_FOUND, "There is no such account.")
    if (
        record is not None
        and record.lock
        and message.kind is Kind.COMMAND
        and context.actor.role is not Role.SUPPORT
    ):
        return Refused(Code.ACCOUNT_LOCKED, "The account is locked by support. Please contact support.")
    decision: Decision = handler.decide(account, message, context)
    return decision
