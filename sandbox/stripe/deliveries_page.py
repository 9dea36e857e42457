"""The page for people at /events: what happened, what became of its deliveries, and the plan to break them."""

import asyncio
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.stripe import delivery_plan, due, event_api, outbox, settings, webhook_endpoints
from sandbox.stripe.deliverer import PAUSED
from sandbox.stripe.page_parts import clock, mounted, row, rows, text, time_of
from sandbox.stripe.world import World

_HERE = Path(__file__)
PAGE = Template(_HERE.with_name("deliveries_page.html").read_text())
STYLE = _HERE.with_name("page.css").read_text()
EVENTS = DELIVERIES = 30
_NUMBERS = ("copied", "delay", "jitter", "window", "lose")


def route(world: World) -> Route:
    """GET /events"""

    async def show(request: Request) -> Response:
        return HTMLResponse(_page(world, mounted(request)))

    return Route("/events", show)


def actions(world: World) -> list[Route]:
    """What the page's forms do, below /_sandbox; each leads back to the page."""

    async def resend(request: Request) -> Response:
        try:
            with world.store.transaction():
                outbox.resend(world.store, request.query_params.get("id", ""), world.clock.now())
        except LookupError as error:
            return HTMLResponse(_page(world, mounted(request), problem=str(error.args[0])), 404)
        return _back(request)

    async def plan(request: Request) -> Response:
        try:
            delivery_plan.set_(world.store, _given(await request.body()))
        except (ValueError, TypeError) as error:
            return HTMLResponse(_page(world, mounted(request), problem=str(error)), 400)
        return _back(request)

    async def pause(request: Request) -> Response:
        settings.write(world.store, PAUSED, not world.deliverer.paused)
        return _back(request)

    async def advance(request: Request) -> Response:
        try:
            world.clock.advance(float(dict(parse_qsl((await request.body()).decode())).get("seconds", "")))
        except ValueError as error:
            return HTMLResponse(_page(world, mounted(request), problem=str(error)), 400)
        due.run(world.store, world.clock.now())
        await asyncio.sleep(0)
        return _back(request)

    return [
        Route("/page/resend-event", resend, methods=["POST"]),
        Route("/page/delivery-plan", plan, methods=["POST"]),
        Route("/page/pause-deliveries", pause, methods=["POST"]),
        Route("/page/advance-clock", advance, methods=["POST"]),
    ]


def _back(request: Request) -> Response:
    return RedirectResponse(f"{mounted(request)}/events", 303)


def _given(body: bytes) -> dict[str, Any]:
    """The plan of one rule that a form describes; empty fields are not given. Raises ValueError."""
    given: dict[str, Any] = dict(parse_qsl(body.decode()))
    rule: dict[str, Any] = {name: float(given[name]) for name in _NUMBERS if name in given}
    rule["types"] = given.get("types", "*").split()
    if "copies" in given:
        rule["copies"] = int(given["copies"])
    if given.get("unnoticed"):
        rule["unnoticed"] = True
    return {"rules": [rule], "seed": int(given.get("seed", "0"))}


def _page(world: World, root: str, *, problem: str = "") -> str:
    counts, plan = outbox.counts(world.store), delivery_plan.current(world.store)
    rule = plan.rules[0] if plan.rules else delivery_plan.Rule()
    raw = world.store.execute("SELECT body FROM events ORDER BY created DESC, seq DESC LIMIT ?", (EVENTS,))
    found = event_api.shown(world.store, [one[0] for one in raw])
    return PAGE.substitute(
        {name: str(value) for name, value in counts.items()},
        style=STYLE,
        root=escape(root),
        problem=f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else "",
        clock=clock(world),
        state="paused" if world.deliverer.paused else "being made",
        pause="Resume" if world.deliverer.paused else "Pause",
        endpoints=rows(
            webhook_endpoints.living(world.store), _endpoint, "No webhook endpoint: nothing is delivered."
        ),
        events=rows(found, lambda one: _event(one, root), "Nothing has happened yet."),
        deliveries=rows(outbox.recent(world.store, DELIVERIES), _delivery, "Nothing was delivered yet."),
        types=escape(" ".join(rule.types)),
        seed=plan.seed,
        checked="checked" if rule.unnoticed else "",
        **{name: f"{getattr(rule, name):g}" for name in ("copies", *_NUMBERS)},
    )


def _endpoint(body: dict[str, Any]) -> str:
    wanted = ", ".join(body["enabled_events"])
    return row(*map(text, (body["url"], wanted, body["status"])), f"<code>{escape(body['id'])}</code>")


def _event(body: dict[str, Any], root: str) -> str:
    previous = orjson.dumps(body["data"].get("previous_attributes") or {}).decode()
    button = (
        f'<form method="post" action="{escape(root)}/_sandbox/page/resend-event?id={escape(body["id"])}">'
        f'<button aria-label="Resend {escape(body["id"])}">Resend</button></form>'
    )
    return row(
        text(time_of(body["created"])),
        text(body["type"]),
        f"<code>{escape(str(body['data']['object'].get('id')))}</code>",
        text("" if previous == "{}" else previous),
        text(body["pending_webhooks"] or ""),
        button,
    )


def _delivery(one: dict[str, Any]) -> str:
    kind = {"delivered": "good", "pending": ""}.get(one["state"], "bad")
    return row(
        text(one["type"]),
        f'<b class="{kind}">{one["state"]}</b>',
        text(one["attempts"]),
        text(one["status"]),
        text(one["error"]),
        text(time_of(one["due"]) if one["state"] == "pending" else ""),
        f"<code>{escape(one['event_id'])}</code>",
    )
