"""The page for people: the vault, the notifications, and what a payer may do without us."""

from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.braintree import errors, nonces, vault, webhooks
from sandbox.braintree.store import CUSTOMER, METHOD
from sandbox.braintree.world import World

_HERE = Path(__file__)
PAGE = Template(_HERE.with_name("page.html").read_text())
STYLE = (_HERE.parent.parent / "stripe" / "page.css").read_text()


def routes(world: World) -> list[Route]:
    """GET / and what its forms do; each leads back to it."""

    async def show(request: Request) -> Response:
        return HTMLResponse(_page(world, request.query_params.get("nonce", "")))

    async def act(request: Request) -> Response:
        given = dict(parse_qsl((await request.body()).decode()))
        try:
            told = _act(world, given)
        except (ValueError, errors.Refusal):
            told = ""
        return RedirectResponse(f"/?nonce={told}" if told else "/", 303)

    return [Route("/", show), Route("/act", act, methods=["POST"])]


def _act(world: World, given: dict[str, str]) -> str:
    match given.get("what"):
        case "nonce":
            return nonces.make(world.store, {"email": given.get("email") or None}, world.now())
        case "revoke":
            webhooks.revoked(world, given.get("token", ""))
        case "remove":
            with world.store.transaction():
                vault.delete_method(world.store, given.get("token", ""))
        case "resend":
            world.store.execute(
                "UPDATE deliveries SET state = 'due', due = ?, tries = 0 WHERE seq = ?",
                (world.now(), int(given.get("seq", "0"))),
            )
    return ""


def _page(world: World, nonce: str) -> str:
    methods = [row for one in world.store.all(METHOD)[::-1] for row in [_method(one)]]
    sent = world.store.execute(
        "SELECT seq, kind, tries, state FROM deliveries ORDER BY seq DESC LIMIT 30"
    ).fetchall()
    made = f'<p role="status">The nonce: <code>{escape(nonce)}</code>. It is good for three hours, once.</p>'
    return PAGE.substitute(
        style=STYLE,
        made=made if nonce else "",
        customers=len(world.store.all(CUSTOMER)),
        kept=len(methods),
        methods="".join(methods) or _nothing("The vault is empty."),
        deliveries="".join(map(_delivery, sent)) or _nothing("No notifications yet."),
        requests="".join(map(_request, list(world.log)[::-1][:30])) or _nothing("No requests yet."),
    )


def _method(one: dict[str, Any]) -> str:
    paypal = one["kind"] == "paypal_account"
    state = "revoked" if one.get("revoked_at") else "default" if one["default"] else ""
    doing = ("revoke", "remove") if paypal and not one.get("revoked_at") else ("remove",)
    buttons = "".join(_button(what, "token", one["token"]) for what in doing)
    name = one["email"] if paypal else f"{one['card_type']} {one['last_4']}"
    return _row(
        f"<code>{escape(one['token'])}</code>", escape(name), escape(one["customer_id"]), state, buttons
    )


def _delivery(row: tuple[int, str, int, str]) -> str:
    seq, kind, tries, state = row
    return _row(str(seq), escape(kind), state, str(tries), _button("resend", "seq", str(seq)))


def _request(entry: dict[str, Any]) -> str:
    kind = "good" if 0 < entry["status"] < 400 else "bad"
    status = f'<b class="{kind}">{entry["status"] or "no answer"}</b>'
    return _row(
        status,
        f"<code>{escape(entry['method'])} {escape(entry['path'])}</code>",
        escape(entry["fault"] or ""),
    )


def _button(what: str, name: str, value: str) -> str:
    return (
        f'<form method="post" action="/act" style="display:inline"><input type="hidden" name="what" value="{what}">'
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        f'<button aria-label="{what.capitalize()} {escape(value)}">{what.capitalize()}</button></form> '
    )


def _row(*cells: str) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _nothing(text: str) -> str:
    return f'<tr><td colspan="9" class="nothing">{text}</td></tr>'
