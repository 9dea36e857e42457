"""How a handler is described, and the guards that hold for every one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from handlers.account import Account, Part
from handlers.decision import Context, Decision, Refused
from topics.codes import Code
from topics.message import Actor, Message, Role

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Handler(Generic[M]):
    """A pure decision about one message type.

    `needs` names the parts it reads besides the account's own record, which is always there.
    `unknown_account` says that it also decides about accounts nobody registered.
    """

    message: type[M]
    decide: Callable[[Account, M, Context], Decision]
    needs: tuple[Part[Any], ...] = ()
    unknown_account: bool = False


def only_support(actor: Actor, verb: str) -> Refused | None:
    """1403 for everybody but support."""
    if actor.role is Role.SUPPORT:
        return None
    return Refused(Code.FORBIDDEN, f"Only support may {verb}.")
