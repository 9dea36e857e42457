"""How a handler is described, and the guards that hold for every one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from handlers.account import Account, Part
from handlers.decision import Context, Decision
from topics.message import Message

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
