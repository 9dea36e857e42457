"""What a person causes on the page: payers and PayPal act, time goes by, notifications go out again."""

from collections.abc import Callable
from urllib.parse import parse_qsl

from sandbox.braintree import (
    deliveries,
    errors,
    nonces,
    refunds,
    settlement,
    transaction_store,
    vault,
    webhooks,
)
from sandbox.braintree.transaction_store import Kept
from sandbox.braintree.world import World

Form = dict[str, str]


def act(world: World, form: str) -> str:
    """Does what the form says; the rest of the address to show then. Raises ValueError, Invalid or Refusal."""
    given = dict(parse_qsl(form))
    if given.get("what") not in ACTIONS:
        raise ValueError("There is no such button.")
    return ACTIONS[given["what"]](world, given)


def _nonce(world: World, given: Form) -> str:
    kind = given.get("type", nonces.PAYPAL)
    meant = {"type": kind, "email": given.get("email") or None, "number": "4012888888881881"}
    return f"?nonce={nonces.make(world.store, meant, world.now())}#nonce"


def _revoke(world: World, given: Form) -> str:
    webhooks.revoked(world, given.get("token", ""))
    return "#vault"


def _revoke_silently(world: World, given: Form) -> str:
    webhooks.revoked(world, given.get("token", ""), silently=True)
    return "#vault"


def _remove(world: World, given: Form) -> str:
    with world.store.transaction():
        vault.delete_method(world.store, given.get("token", ""))
    return "#vault"


def _settle(world: World, given: Form) -> str:
    return _finish(world, given, settlement.SETTLED_CODE)


def _decline_settlement(world: World, given: Form) -> str:
    return _finish(world, given, settlement.DECLINED_CODE)


def _finish(world: World, given: Form, code: str) -> str:
    with world.store.transaction():
        settlement.finish(world.store, _kept(world, given), code, world.now())
    return "#transactions"


def _void(world: World, given: Form) -> str:
    with world.store.transaction():
        settlement.void(world.store, _kept(world, given), world.now())
    return "#transactions"


def _refund(world: World, given: Form) -> str:
    with world.store.transaction():
        refunds.refund(world.store, _kept(world, given), world.now(), amount=None, order_id=None)
    return "#transactions"


def _advance(world: World, given: Form) -> str:
    seconds = float(given.get("seconds", ""))
    if seconds < 0:
        raise ValueError("The clock goes forward only.")
    world.move(world.offset + seconds)
    with world.store.transaction():
        settlement.run(world.store, world.now())
    return "#transactions"


def _resend(world: World, given: Form) -> str:
    deliveries.resend(world.store, int(given.get("seq", "")), world.now())
    return "#notifications"


def _check(world: World, given: Form) -> str:
    webhooks.send(world, webhooks.CHECK)
    return "#notifications"


def _plan(world: World, given: Form) -> str:
    rule = {name: float(given[name]) for name in ("delay", "window", "lose") if name in given}
    deliveries.set_plan(world.store, {"rules": [{**rule, "copies": int(given.get("copies", "1"))}]})
    return "#notifications"


ACTIONS: dict[str, Callable[[World, Form], str]] = {
    "nonce": _nonce,
    "revoke": _revoke,
    "revoke_silently": _revoke_silently,
    "remove": _remove,
    "settle": _settle,
    "decline_settlement": _decline_settlement,
    "void": _void,
    "refund": _refund,
    "advance": _advance,
    "resend": _resend,
    "check": _check,
    "plan": _plan,
}


def _kept(world: World, given: Form) -> Kept:
    found = transaction_store.find(world.store, given.get("id", ""))
    if found is None:
        raise errors.Refusal(404)
    return found
