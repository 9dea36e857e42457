"""What happens to payment methods without us: cards expire, networks send new dates, people detach and authenticate.

Below /_sandbox, for tests and the page. Answers the object as it is then. What a phone's wallet gives
is made here as well: Stripe learns of it from devices alone.
"""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from sandbox.stripe import objects, payment_methods, setup_intents, test_cards
from sandbox.stripe.control_route import given, route
from sandbox.stripe.objects import Body
from sandbox.stripe.world import World

WALLETS = ("apple_pay", "google_pay")


def routes(world: World) -> list[Route]:
    """The routes below /_sandbox."""
    return [
        route(world, "/wallets/{type}", "POST", pay_by_wallet),
        route(world, "/payment_methods/{id}/expire", "POST", expire),
        route(world, "/payment_methods/{id}/renew", "POST", renew),
        route(world, "/payment_methods/{id}/detach", "POST", detach),
        route(world, "/setup_intents/{id}/authenticate", "POST", authenticate),
    ]


async def pay_by_wallet(world: World, request: Request) -> Any:
    """A payment method as the sheet of `apple_pay` or `google_pay` makes it of a test card, `card` (`tok_visa`)."""
    wallet, name = request.path_params["type"], (await given(request)).get("card", "tok_visa")
    card = test_cards.named(name)
    if wallet not in WALLETS or card is None:
        raise ValueError(f"a wallet is one of {', '.join(WALLETS)}, and its card a test card by name")
    now = world.clock.now()
    details = payment_methods.card_details(card, {}, {}, now)
    details["wallet"] = {"type": wallet, wallet: {}, "dynamic_last4": card.number[-4:]}
    body = payment_methods.new("card", details, now)
    with world.store.transaction():
        objects.insert(world.store, body, now)
    return payment_methods.shown(body)


async def expire(world: World, request: Request) -> Any:
    """The card's date is past: `payment_method.updated`."""
    return _changed(world, request, {"card": {"exp_month": 1, "exp_year": 2020}}, "payment_method.updated")


async def renew(world: World, request: Request) -> Any:
    """The network sent a new date, `exp_month` and `exp_year`: `payment_method.automatically_updated`."""
    sent = await given(request)
    dates = {"exp_month": int(sent.get("exp_month", 12)), "exp_year": int(sent.get("exp_year", 2039))}
    return _changed(world, request, {"card": dates}, "payment_method.automatically_updated")


async def detach(world: World, request: Request) -> Any:
    """Somebody detached it in the processor's own dashboard."""
    body = _method(world, request)
    if body["customer"] is None:
        raise ValueError("it is not attached")
    with world.store.transaction():
        return payment_methods.shown(payment_methods.detach(world.store, body, world.clock.now()))


async def authenticate(world: World, request: Request) -> Any:
    """The cardholder answers: `passed` is true or false."""
    passed = bool((await given(request)).get("passed", True))
    found = objects.find(world.store, setup_intents.KIND, request.path_params["id"])
    if found is None:
        raise LookupError(f"no setup intent {request.path_params['id']}")
    if found.body["status"] != setup_intents.ACTION:
        raise ValueError(f"it is {found.body['status']}")
    with world.store.transaction():
        return setup_intents.authenticated(world.store, found.body, world.clock.now(), passed=passed)


def _changed(world: World, request: Request, changes: Body, event: str) -> Body:
    body = _method(world, request)
    if body["type"] != "card":
        raise ValueError("it is no card")
    with world.store.transaction():
        after = payment_methods.change(world.store, body, changes, world.clock.now(), event=event)
    return payment_methods.shown(after)


def _method(world: World, request: Request) -> Body:
    found = objects.find(world.store, payment_methods.KIND, request.path_params["id"])
    if found is None or found.deleted:
        raise LookupError(f"no payment method {request.path_params['id']}")
    return found.body
