"""The page for people at /: make a token, let it run out, see what was verified."""

from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.stripe.page_parts import row, rows, text
from sandbox.turnstile.verdicts import LIFE, SITE_KEY, Token, World

_HERE = Path(__file__)
PAGE = Template(_HERE.with_name("page.html").read_text())
STYLE = (_HERE.parents[1] / "stripe" / "page.css").read_text()
SHOWN = 20


def routes(world: World) -> list[Route]:
    """GET /, and what its forms do."""

    async def show(request: Request) -> Response:
        return HTMLResponse(_page(world))

    async def act(request: Request) -> Response:
        given = dict(parse_qsl((await request.body()).decode()))
        match given.get("what"):
            case "make":
                world.make(hostname=given.get("hostname", "localhost"), action=given.get("action", ""))
            case "pass":
                world.offset += LIFE + 1
            case "fail":
                world.failing += 1
        return RedirectResponse("/", 303)

    return [Route("/", show), Route("/act", act, methods=["POST"])]


def _page(world: World) -> str:
    newest = list(world.tokens.values())[: -SHOWN - 1 : -1]
    return PAGE.substitute(
        style=STYLE,
        site_key=SITE_KEY,
        tokens=rows(newest, lambda one: _token(one, world.now()), "No tokens yet."),
        asked=rows(world.asked[: -SHOWN - 1 : -1], _asked, "Nothing was verified yet."),
    )


def _token(token: Token, now: float) -> str:
    state = "spent" if token.spent is not None else "run out" if now - token.made > LIFE else "good"
    shown = f'<b class="{"good" if state == "good" else "bad"}">{state}</b>'
    return row(f"<code>{escape(token.text)}</code>", text(token.hostname), text(token.action), shown)


def _asked(one: dict[str, object]) -> str:
    verdict = '<b class="good">passed</b>' if one["success"] else '<b class="bad">refused</b>'
    errors = one["error-codes"]
    words = ", ".join(map(str, errors)) if isinstance(errors, list) else ""
    return row(verdict, text(words), f"<code>{text(one['response'])}</code>")
