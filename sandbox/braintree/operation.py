"""One thing that the gateway can be asked: what it is given and what it answers."""

from collections.abc import Callable
from typing import Any, TypeAlias

from sandbox.braintree.store import Body
from sandbox.braintree.world import World

Ids: TypeAlias = dict[str, str]
"""What stands in the path."""
Result: TypeAlias = tuple[int, str, Any] | None
"""Status, outermost element and value of an answer; None for one without a body."""
Run: TypeAlias = Callable[[World, Ids, Body], Result]


def params(sent: Body) -> Body:
    """What a refusal repeats of what was sent: plain texts, without nonces."""
    found = {name: _plain(value) for name, value in sent.items() if isinstance(value, dict)}
    for value in found.values():
        value.pop("payment_method_nonce", None)
        value.pop("device_data", None)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return str(value).lower() if isinstance(value, bool) else value
