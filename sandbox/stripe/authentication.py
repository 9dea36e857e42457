"""The page on which a cardholder says yes or no, as the bank's does in 3-D Secure."""

from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.stripe import objects, setup_intents
from sandbox.stripe.objects import Body
from sandbox.stripe.world import World

_HERE = Path(__file__)
PAGE = Template(_HERE.with_name("authentication.html").read_text())
STYLE = _HERE.with_name("page.css").read_text()
SAID = {
    setup_intents.SUCCEEDED: "Thank you. The payment method is set up, and you may close this page.",
    setup_intents.UNMET: "The payment method could not be authenticated. Go back and try another one.",
    setup_intents.CANCELED: "This took too long, so it was cancelled. Go back and begin again.",
}


def routes(world: World) -> list[Route]:
    """GET shows the question, POST takes the answer in `outcome`: `complete` or `fail`."""

    async def show(request: Request) -> Response:
        return _page(_intent(world, request), request)

    async def decide(request: Request) -> Response:
        intent = _intent(world, request)
        if intent is not None and intent["status"] == setup_intents.ACTION:
            passed = request.query_params.get("outcome") == "complete"
            target = (intent["next_action"].get("redirect_to_url") or {}).get("return_url")
            with world.store.transaction():
                intent = setup_intents.authenticated(world.store, intent, world.clock.now(), passed=passed)
            if target:
                return RedirectResponse(_back(target, intent), 303)
        return _page(intent, request)

    path = "/authenticate/{intent}"
    return [Route(path, show, methods=["GET"]), Route(path, decide, methods=["POST"])]


def _intent(world: World, request: Request) -> Body | None:
    found = objects.find(world.store, setup_intents.KIND, request.path_params["intent"])
    return found.body if found else None


def _back(target: str, intent: Body) -> str:
    told = {
        "setup_intent": intent["id"],
        "setup_intent_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if intent["status"] == setup_intents.SUCCEEDED else "failed",
    }
    return f"{target}{'&' if '?' in target else '?'}{urlencode(told)}"


def _page(intent: Body | None, request: Request) -> Response:
    asks = intent is not None and intent["status"] == setup_intents.ACTION
    said = (
        "There is no such setup."
        if intent is None
        else SAID.get(intent["status"], "Nothing is to be done here.")
    )
    if not asks or intent is None:
        form = f'<p role="status">{said}</p>'
    else:
        path = escape(f"{request.scope.get('root_path', '')}/authenticate/{intent['id']}")
        form = (
            "<p>A shop asks to keep what you pay with for later payments. Is that you?</p>"
            '<form method="post" class="answers">'
            f'<button formaction="{path}?outcome=complete" autofocus>Complete</button>'
            f'<button formaction="{path}?outcome=fail" class="quiet">Fail</button></form>'
        )
    return HTMLResponse(PAGE.substitute(style=STYLE, form=form), 200 if intent else 404)
