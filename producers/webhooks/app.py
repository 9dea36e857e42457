"""The endpoints for webhooks: signature first, then Kafka, and only then the answer (DESIGN.md 4, law 7).

Nothing is decided and no store is read, so an answer takes milliseconds and nothing but Kafka has to be there.
A webhook that Kafka did not take is answered with 503, and the processor sends it again.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

import orjson
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from observability.metrics import WEBHOOKS
from producers.http import health
from producers.http.around import Around
from producers.http.body import whole
from producers.http.envelope import JSON
from producers.http.errors import ApiError, invalid, unavailable
from producers.http.routing import NamedRoute, refused, unroutable
from producers.publisher import NotPublishedError, Publisher
from producers.webhooks import braintree, stripe
from producers.webhooks.document import document
from producers.webhooks.received import UnreadableError, Webhook
from state.braintree import webhooks as braintree_webhooks
from state.stripe import webhooks as stripe_webhooks

log = structlog.get_logger()

SURFACE: Final = "webhooks"
MOST: Final = 512 * 1024
"""Bytes of a webhook: far above Stripe's largest, below what the topic takes."""
_BAD_SIGNATURE: Final = (stripe_webhooks.BadSignatureError, braintree_webhooks.BadSignatureError)
_UNREADABLE: Final = (UnreadableError, braintree_webhooks.UnreadableError)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the surface is told by its process."""

    kafka_bootstrap: str
    stripe: stripe_webhooks.Secrets
    braintree: braintree_webhooks.Keys
    publish_seconds: float = 5.0
    topics: Mapping[str, str] | None = None
    """Other names of topics, for tests."""


def create_app(settings: Settings) -> Starlette:
    """The application; its producer is opened with its lifespan."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with Publisher(
            settings.kafka_bootstrap, client_id=SURFACE, deadline=settings.publish_seconds
        ) as publisher:
            app.state.publisher, app.state.settings = publisher, settings
            yield

    app = Starlette(
        routes=[
            NamedRoute("/webhooks/stripe", from_stripe, methods=["POST"]),
            NamedRoute("/webhooks/braintree", from_braintree, methods=["POST"]),
            NamedRoute("/webhooks/braintree", challenge, methods=["GET"]),
            NamedRoute("/livez", health.livez, methods=["GET"]),
            NamedRoute("/readyz", readyz, methods=["GET"]),
            NamedRoute("/metrics", health.metrics, methods=["GET"]),
            NamedRoute("/openapi.json", openapi, methods=["GET"]),
        ],
        middleware=[Middleware(Around, surface=SURFACE)],
        exception_handlers={ApiError: refused, HTTPException: unroutable},
        lifespan=lifespan,
    )
    app.state.openapi = orjson.dumps(document())
    return app


async def from_stripe(request: Request) -> Response:
    """POST /webhooks/stripe: snapshot and thin events alike."""
    settings: Settings = request.app.state.settings
    body = await whole(request, most=MOST)
    try:
        settings.stripe.verify(body, request.headers.get("stripe-signature"))
        webhook = stripe.received(body)
    except (*_BAD_SIGNATURE, *_UNREADABLE) as error:
        raise _not_ours("stripe", error) from None
    return await _kept(request, "stripe", webhook)


async def from_braintree(request: Request) -> Response:
    """POST /webhooks/braintree: a form with a signature and a payload."""
    settings: Settings = request.app.state.settings
    form = parse_qs((await whole(request, most=MOST)).decode(errors="replace"))
    signature, payload = (form.get(name, [""])[0] for name in ("bt_signature", "bt_payload"))
    try:
        notice = settings.braintree.verify(signature, payload)
    except (*_BAD_SIGNATURE, *_UNREADABLE) as error:
        raise _not_ours("braintree", error) from None
    if notice.kind == braintree_webhooks.CHECK:
        return _taken()
    if notice.kind not in braintree_webhooks.READ:
        WEBHOOKS.labels(source="braintree", result="not_read").inc()
        return _taken()
    return await _kept(request, "braintree", braintree.received(notice, signature, payload))


async def challenge(request: Request) -> Response:
    """GET /webhooks/braintree?bt_challenge=...: how Braintree makes sure whose endpoint it is."""
    settings: Settings = request.app.state.settings
    try:
        proof = settings.braintree.challenge(request.query_params.get("bt_challenge", ""))
    except braintree_webhooks.BadSignatureError:
        raise invalid(
            "bt_challenge must be a challenge of Braintree: 20 to 32 hexadecimal characters."
        ) from None
    return Response(proof, media_type="text/plain")


async def readyz(request: Request) -> Response:
    """200 while Kafka answers: nothing else is needed."""
    try:
        await request.app.state.publisher.check()
    except NotPublishedError:
        return Response(b'{"status":"not ready","checks":{"kafka":"unreachable"}}', 503, media_type=JSON)
    return Response(b'{"status":"ready","checks":{"kafka":"ok"}}', media_type=JSON)


async def openapi(request: Request) -> Response:
    """What this surface takes and answers; made beforehand, so that no webhook waits for it."""
    return Response(request.app.state.openapi, media_type=JSON)


async def _kept(request: Request, source: str, webhook: Webhook) -> Response:
    settings: Settings = request.app.state.settings
    topic = (settings.topics or {}).get(webhook.topic, webhook.topic)
    try:
        await request.app.state.publisher.send(
            topic, webhook.body, key=webhook.key.encode(), headers=webhook.headers()
        )
    except NotPublishedError as error:
        WEBHOOKS.labels(source=source, result="not_taken").inc()
        raise unavailable("The webhook could not be kept. Please send it again.") from error
    WEBHOOKS.labels(source=source, result="taken").inc()
    return _taken()


def _taken() -> Response:
    return Response(b'{"received":true}', media_type=JSON)


def _not_ours(source: str, error: Exception) -> ApiError:
    """400, with the cause in the log alone: whoever tries signatures learns nothing."""
    bad = isinstance(error, _BAD_SIGNATURE)
    WEBHOOKS.labels(source=source, result="bad_signature" if bad else "unreadable").inc()
    log.warning("webhook_refused", source=source, cause=str(error))
    return invalid("The webhook is not signed as it must be." if bad else "The webhook can't be understood.")
