"""The page for people at /objects: customers, methods and subscriptions, with what may happen to them without us."""

from collections.abc import Callable
from contextlib import nullcontext
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.stripe import behind, customers, events, objects, payment_methods, subscription_state
from sandbox.stripe.objects import Body
from sandbox.stripe.page_parts import clock, mounted, row, rows, text
from sandbox.stripe.world import World

_HERE = Path(__file__)
PAGE = Template(_HERE.with_name("objects_page.html").read_text())
STYLE = _HERE.with_name("page.css").read_text()
SHOWN = 30
PAST, LATER = {"exp_month": 1, "exp_year": 2020}, {"exp_month": 12, "exp_year": 2039}


def route(world: World) -> Route:
    """GET /objects"""

    async def show(request: Request) -> Response:
        return HTMLResponse(_page(world, mounted(request)))

    return Route("/objects", show)


def actions(world: World) -> list[Route]:
    """What the page's forms do, below /_sandbox; each leads back to the page."""
    return [
        _action(world, "change-customer", "customers", customers.KIND, _change),
        _action(world, "delete-customer", "customers", customers.KIND, _delete),
        _action(world, "expire-card", "methods", payment_methods.KIND, _expire),
        _action(world, "renew-card", "methods", payment_methods.KIND, _renew),
        _action(world, "detach-method", "methods", payment_methods.KIND, _detach),
        _action(world, "flip-collection", "subscriptions", subscription_state.KIND, _flip),
        _action(world, "end-subscription", "subscriptions", subscription_state.KIND, _delete),
    ]


Happening = Callable[[World, Body, dict[str, str]], Any]


def _action(world: World, name: str, place: str, kind: str, happen: Happening) -> Route:
    async def act(request: Request) -> Response:
        given = dict(parse_qsl((await request.body()).decode()))
        found = objects.find(world.store, kind, given.get("id", ""))
        if found is None or found.deleted:
            return HTMLResponse(
                _page(world, mounted(request), problem="There is no such object any more."), 404
            )
        try:
            with world.store.transaction(), events.silently() if given.get("silent") else nullcontext():
                happen(world, found.body, given)
        except ValueError as error:
            return HTMLResponse(_page(world, mounted(request), problem=str(error)), 400)
        return RedirectResponse(f"{mounted(request)}/objects#{place}", 303)

    return Route(f"/page/{name}", act, methods=["POST"])


def _change(world: World, body: Body, given: dict[str, str]) -> None:
    changes = {name: given[name] for name in ("name", "email") if given.get(name)}
    if not changes:
        raise ValueError("Give a new name or a new e-mail address.")
    behind.change(world.store, body, {**body, **changes}, world.clock.now())


def _delete(world: World, body: Body, given: dict[str, str]) -> None:
    behind.remove(world.store, body, world.clock.now())


def _expire(world: World, body: Body, given: dict[str, str]) -> None:
    _date(world, body, PAST, "payment_method.updated")


def _renew(world: World, body: Body, given: dict[str, str]) -> None:
    _date(world, body, LATER, "payment_method.automatically_updated")


def _date(world: World, body: Body, date: dict[str, int], event: str) -> None:
    if body["type"] != "card":
        raise ValueError("Only a card has a date of expiry.")
    payment_methods.change(world.store, body, {"card": date}, world.clock.now(), event=event)


def _detach(world: World, body: Body, given: dict[str, str]) -> None:
    if body["customer"] is None:
        raise ValueError("It is nobody's already.")
    payment_methods.detach(world.store, body, world.clock.now())


def _flip(world: World, body: Body, given: dict[str, str]) -> None:
    automatic = body["collection_method"] == "charge_automatically"
    changes: Body = {"collection_method": "send_invoice" if automatic else "charge_automatically"}
    changes["days_until_due"] = 30 if automatic else None
    behind.change(world.store, body, {**body, **changes}, world.clock.now())


def _page(world: World, root: str, *, problem: str = "") -> str:
    known = _newest(world, customers.KIND)
    return PAGE.substitute(
        style=STYLE,
        root=escape(root),
        clock=clock(world),
        problem=f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else "",
        customers=rows(known, lambda one: _customer(one, root), "No customers yet."),
        choices="".join(
            f'<option value="{escape(one["id"])}">{escape(one["id"])} {text(one["name"])}</option>'
            for one in known
        ),
        methods=rows(
            _newest(world, payment_methods.KIND), lambda one: _method(one, root), "No payment methods yet."
        ),
        subscriptions=rows(
            _newest(world, subscription_state.KIND),
            lambda one: _subscription(one, root),
            "No subscriptions yet.",
        ),
    )


def _newest(world: World, kind: str) -> list[Body]:
    found = world.store.execute(
        "SELECT body FROM objects WHERE kind = ? AND deleted = 0 ORDER BY created DESC, seq DESC LIMIT ?",
        (kind, SHOWN),
    )
    return [orjson.loads(one[0]) for one in found]


def _customer(body: Body, root: str) -> str:
    metadata = ", ".join(f"{key}={value}" for key, value in body["metadata"].items())
    default = body["invoice_settings"]["default_payment_method"]
    shown = (body["name"], body["email"], metadata, default)
    return row(_code(body), *map(text, shown), _button(root, "delete-customer", body["id"], "Delete"))


def _method(body: Body, root: str) -> str:
    card = body.get("card") or {}
    ends = f"{card['exp_month']:02}/{card['exp_year']}" if card.get("exp_year") else ""
    kind = f"{card.get('brand', '')} {card.get('last4', '')}".strip() or body["type"]
    buttons = ["expire-card", "renew-card"] if card else []
    buttons += ["detach-method"] if body["customer"] else []
    done = "".join(_button(root, name, body["id"], name.partition("-")[0].capitalize()) for name in buttons)
    return row(_code(body), text(kind), text(ends), text(body["customer"]), done)


def _subscription(body: Body, root: str) -> str:
    ended = body["status"] in ("canceled", "incomplete_expired")
    names = [] if ended else [("flip-collection", "Flip collection"), ("end-subscription", "End")]
    done = "".join(_button(root, name, body["id"], label) for name, label in names)
    shown = (body["status"], body["collection_method"], body["customer"])
    return row(_code(body), *map(text, shown), done)


def _code(body: Body) -> str:
    return f"<code>{escape(body['id'])}</code>"


def _button(root: str, action: str, id_: str, label: str) -> str:
    return (
        f'<form method="post" action="{escape(root)}/_sandbox/page/{action}" class="inline">'
        f'<input type="hidden" name="id" value="{escape(id_)}">'
        f'<button aria-label="{escape(label)} {escape(id_)}">{escape(label)}</button></form>'
    )
