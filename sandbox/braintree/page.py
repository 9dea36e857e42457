"""The page for people at /: what is kept and charged, and what happened on the way."""

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.braintree import agreements, deliveries, errors, page_actions, transaction_store
from sandbox.braintree.settlement import SUBMITTED
from sandbox.braintree.store import CUSTOMER, METHOD, Body
from sandbox.braintree.world import World
from sandbox.stripe.delivery_plan import Rule
from sandbox.stripe.page_parts import row, rows, text, time_of

_HERE = Path(__file__)
PAGE = Template(_HERE.with_name("page.html").read_text())
STYLE = (_HERE.parent.parent / "stripe" / "page.css").read_text()
SHOWN = 30
GOOD = ("authorized", "submitted_for_settlement", "settling", "settled")
BAD = ("processor_declined", "gateway_rejected", "settlement_declined", "failed", "authorization_expired")


def routes(world: World) -> list[Route]:
    """GET / and what its forms do; each leads back to it."""

    async def show(request: Request) -> Response:
        return HTMLResponse(_page(world, nonce=request.query_params.get("nonce", "")))

    async def act(request: Request) -> Response:
        try:
            back = page_actions.act(world, (await request.body()).decode())
        except (ValueError, errors.Invalid) as error:
            return HTMLResponse(_page(world, problem=str(error)), 400)
        except errors.Refusal:
            return HTMLResponse(_page(world, problem="There is no such thing any more."), 404)
        return RedirectResponse(f"/{back}", 303)

    return [Route("/", show), Route("/act", act, methods=["POST"])]


def _page(world: World, *, nonce: str = "", problem: str = "") -> str:
    store, plan = world.store, deliveries.plan(world.store)
    rule = plan.rules[0] if plan.rules else Rule()
    made = f'<p role="status">The nonce: <code>{escape(nonce)}</code>. It is good for three hours, once.</p>'
    counts = transaction_store.counts(store)
    return PAGE.substitute(
        style=STYLE,
        clock=_clock(world),
        problem=f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else "",
        made=made if nonce else "",
        customers=store.count(CUSTOMER),
        kept=store.count(METHOD),
        sold=sum(counts.values()),
        settled=counts.get("settled", 0),
        declined=sum(counts.get(status, 0) for status in BAD),
        transactions=rows(transaction_store.newest(store, most=SHOWN), _transaction, "Nothing was sold yet."),
        methods=rows(store.newest(METHOD, SHOWN), lambda one: _method(world, one), "The vault is empty."),
        deliveries=rows(deliveries.recent(store, SHOWN), _delivery, "No notifications yet."),
        requests=rows(list(world.log)[::-1][:SHOWN], _request, "No requests yet."),
        **{name: f"{getattr(rule, name):g}" for name in ("copies", "delay", "window", "lose")},
    )


def _transaction(body: Body) -> str:
    status, id_ = body["status"], body["id"]
    kind = "good" if status in GOOD else "bad" if status in BAD else ""
    sign = "-" if body["type"] == "credit" else ""
    answer = body["processor_settlement_response_text"] or body["processor_response_text"]
    answer = body["gateway_rejection_reason"] or answer
    paypal, card = body.get("paypal"), body["credit_card"]
    payer = paypal["payer_email"] if paypal else f"{card['card_type']} {card['last_4']}"
    buttons = [("settle", "Settle"), ("decline_settlement", "Decline")] if status in SUBMITTED else []
    buttons += [("refund", "Refund")] if status in ("settled", "settling") and not sign else []
    buttons += [("void", "Void")] if status == "authorized" else []
    return row(
        text(body["created_at"][5:19].replace("T", " ")),
        f"{sign}{body['amount']} {body['currency_iso_code']}",
        f'<b class="{kind}">{status.replace("_", " ")}</b>',
        "".join(_button(what, label, "id", id_) for what, label in buttons),
        text(payer),
        text(body["order_id"]),
        text(answer),
        f"<code>{escape(id_)}</code>",
    )


def _method(world: World, one: Body) -> str:
    paypal, token = one["kind"] == "paypal_account", one["token"]
    wrong = agreements.standing(one, world.store) if paypal else ""
    state = f'<b class="bad">{escape(wrong)}</b>' if wrong else "default" if one["default"] else ""
    buttons = [("revoke", "Revoke"), ("revoke_silently", "Revoke silently")] if paypal and not wrong else []
    buttons += [("remove", "Remove")]
    name = one["email"] if paypal else f"{one['card_type']} {one['last_4']}"
    return row(
        f"<code>{escape(token)}</code>",
        text(name),
        state,
        "".join(_button(what, label, "token", token) for what, label in buttons),
        f"<code>{escape(one.get('billing_agreement_id') or '')}</code>",
        text(one["customer_id"]),
    )


def _delivery(one: Body) -> str:
    kind = {"taken": "good", "due": ""}.get(one["state"], "bad")
    state = f'<b class="{kind}">{escape(one["state"].replace("_", " "))}</b>'
    again = _button("resend", "Resend", "seq", str(one["seq"]))
    return row(str(one["seq"]), text(one["kind"]), state, str(one["tries"]), again)


def _request(entry: dict[str, Any]) -> str:
    kind = "good" if 0 < entry["status"] < 400 else "bad"
    status = f'<b class="{kind}">{entry["status"] or "no answer"}</b>'
    asked = f"<code>{escape(entry['method'])} {escape(entry['path'])}</code>"
    return row(text(time_of(entry["at"])), status, asked, text(entry["fault"]))


def _button(what: str, label: str, name: str, value: str) -> str:
    return (
        f'<form method="post" action="/act" class="inline"><input type="hidden" name="what" value="{what}">'
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        f'<button aria-label="{label} {escape(value)}">{label}</button></form>'
    )


def _clock(world: World) -> str:
    moved = f", moved by {world.offset:+.0f} s" if world.offset else ""
    return f"{datetime.fromtimestamp(world.now(), UTC):%Y-%m-%d %H:%M:%S} UTC{moved}"
