"""The page for people: customers, the last requests, and the fault plan with forms to change it."""

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.stripe import effects, faults, lists, objects
from sandbox.stripe.world import World

_HERE = Path(__file__)
PAGE = Template(_HERE.with_name("page.html").read_text())
STYLE = _HERE.with_name("page.css").read_text()
NUMBERS = ("nth", "times", "seed")
CUSTOMERS, REQUESTS = 20, 30


def route(world: World) -> Route:
    """GET /"""

    async def show(request: Request) -> Response:
        return HTMLResponse(_page(world, _mounted(request)))

    return Route("/", show)


def actions(world: World) -> list[Route]:
    """What the page's forms do, below /_sandbox; each leads back to the page."""

    async def add(request: Request) -> Response:
        try:
            world.plan.add(faults.made(_given(await request.body())))
        except (ValueError, TypeError) as error:
            return HTMLResponse(_page(world, _mounted(request), problem=str(error)), 400)
        return RedirectResponse(f"{_mounted(request)}/#faults", 303)

    async def clear(request: Request) -> Response:
        world.plan.remove(int(request.query_params["id"]) if "id" in request.query_params else None)
        return RedirectResponse(f"{_mounted(request)}/#faults", 303)

    return [
        Route("/page/add-fault", add, methods=["POST"]),
        Route("/page/clear-faults", clear, methods=["POST"]),
    ]


def _mounted(request: Request) -> str:
    return str(request.scope.get("root_path", "")).removesuffix("/_sandbox")


def _given(body: bytes) -> dict[str, Any]:
    """The fault that a form describes; empty fields are not given. Raises ValueError."""
    given: dict[str, Any] = dict(parse_qsl(body.decode()))
    given |= {name: int(given[name]) for name in NUMBERS if name in given}
    given |= {name: float(given[name]) for name in ("probability", "seconds") if name in given}
    if given.get("times") == 0:
        given["times"] = None
    return given


def _page(world: World, root: str, *, problem: str = "") -> str:
    customers = lists.page(world.store, "customer", {"limit": CUSTOMERS}, url="")["data"]
    counts = effects.counts(world.store)
    return PAGE.substitute(
        style=STYLE,
        root=escape(root),
        problem=f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else "",
        living=objects.counts(world.store).get("customer", {}).get("living", 0),
        created=counts.get("POST /v1/customers", 0),
        updated=counts.get("POST /v1/customers/{customer}", 0),
        clock=_clock(world),
        customers=_rows(
            [orjson.loads(orjson.dumps(one)) for one in customers], _customer, "No customers yet."
        ),
        requests=_rows(world.log.recent(REQUESTS), _request, "No requests yet."),
        faults=_rows(list(world.plan), lambda fault: _fault(fault, root), "Nothing goes wrong."),
        kinds="".join(
            f'<option value="{kind}">{kind}: {faults.MEANINGS[kind]}</option>' for kind in faults.Kind
        ),
    )


def _rows(things: list[Any], row: Any, nothing: str) -> str:
    return "".join(row(one) for one in things) or f'<tr><td colspan="9" class="nothing">{nothing}</td></tr>'


def _customer(body: dict[str, Any]) -> str:
    metadata = ", ".join(f"{key}={value}" for key, value in body["metadata"].items())
    return _row(f"<code>{escape(body['id'])}</code>", *map(_text, (body["name"], body["email"], metadata)))


def _request(entry: dict[str, Any]) -> str:
    status = entry["status"] or "no answer"
    kind = "good" if entry["status"] and entry["status"] < 400 else "bad"
    notes = [entry["fault"] or "", "replayed" if entry["replayed"] else ""]
    return _row(
        _text(_time(entry["at"])),
        f'<b class="{kind}">{status}</b>',
        f"<code>{escape(entry['method'])} {escape(entry['path'])}</code>",
        _text(entry["idempotency_key"]),
        _text(" ".join(filter(None, notes))),
    )


def _fault(fault: faults.Fault, root: str) -> str:
    left = "always" if fault.times is None else f"{fault.fired} of {fault.times}"
    where = f"{fault.method or 'any method'} {fault.path or 'any path'}"
    button = (
        f'<form method="post" action="{escape(root)}/_sandbox/page/clear-faults?id={fault.id}">'
        f'<button aria-label="Remove fault {fault.id}">Remove</button></form>'
    )
    return _row(_text(fault.kind), _text(where), _text(left), button)


def _row(*cells: str) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _text(value: object) -> str:
    return escape(str(value or ""))


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def _clock(world: World) -> str:
    moved = f", moved by {world.clock.offset:+.0f} s" if world.clock.offset else ""
    return f"{datetime.fromtimestamp(world.clock.now(), UTC):%Y-%m-%d %H:%M:%S} UTC{moved}"
