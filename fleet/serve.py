"""An entry point process: one surface on uvicorn."""

from collections.abc import Callable
from typing import Final

import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette

from fleet.environment import MistypedError
from fleet.garbage import collect_rarely
from fleet.listening import listener
from fleet.settings import Settings
from producers.dashboard import app as dashboard
from producers.http.protocol import serving
from producers.http.surface import Rates
from producers.http.surface import Settings as SurfaceSettings
from producers.iapi import app as iapi
from producers.iapi import key_registry
from producers.webhooks import app as webhooks
from state.braintree.webhooks import Keys
from state.redis.rate_limits import Rate
from state.stripe.webhooks import Secrets

_BURST: Final = 3
"""How many seconds' worth of requests may come at once."""


def serve_surface(surface: str, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `KeyError` for a surface that is none."""
    build, port = SURFACES[surface]
    app = build(settings)
    listening = listener(f"{surface.upper()}_PORT", settings.host, port(settings))
    config = uvicorn.Config(
        **serving(app, host=settings.host, port=port(settings), proxies=settings.forwarded_allow_ips)
    )
    collect_rarely()
    uvicorn.Server(config).run(sockets=[listening])


def surface_settings(settings: Settings) -> SurfaceSettings:
    """What every surface is told."""

    def rate(per_second: int) -> Rate:
        return Rate(per_second=per_second, burst=per_second * _BURST)

    return SurfaceSettings(
        database_url=settings.database_url,
        redis_url=settings.redis_url,
        kafka_bootstrap=settings.kafka_bootstrap,
        rates=Rates(
            caller=rate(settings.caller_requests_per_second),
            account=rate(settings.account_requests_per_second),
            address=rate(settings.address_requests_per_second),
            failures=Rate(
                per_second=settings.address_failures_per_minute / 60,
                burst=settings.address_failures_per_minute,
            ),
        ),
        wait_seconds=settings.outcome_wait_seconds,
    )


def _dashboard(settings: Settings) -> FastAPI:
    return dashboard.create_app(surface_settings(settings))


def _iapi(settings: Settings) -> FastAPI:
    if settings.service_keys is None:
        raise MistypedError("SERVICE_KEYS must name the JSON file of callers (docs/security.md).")
    try:
        key_registry.parse(settings.service_keys.read_text())
    except (OSError, ValueError) as wrong:
        why = wrong.strerror if isinstance(wrong, OSError) else wrong
        raise MistypedError(
            f"SERVICE_KEYS='{settings.service_keys}' can't be used. It must name the JSON file of callers "
            f"(docs/security.md): {why}"
        ) from None
    return iapi.create_app(surface_settings(settings), callers=settings.service_keys)


def _webhooks(settings: Settings) -> Starlette:
    try:
        told = webhooks.Settings(
            kafka_bootstrap=settings.kafka_bootstrap,
            stripe=Secrets(settings.stripe_webhook_secrets.get_secret_value().split(",")),
            braintree=Keys(
                merchant_id=settings.braintree_merchant_id,
                public_key=settings.braintree_public_key,
                private_key=settings.braintree_private_key.get_secret_value(),
            ),
        )
    except ValueError as missing:
        raise MistypedError(f"STRIPE_WEBHOOK_SECRETS, BRAINTREE_*: {missing} (docs/security.md).") from None
    return webhooks.create_app(told)


SURFACES: Final[dict[str, tuple[Callable[[Settings], Starlette], Callable[[Settings], int]]]] = {
    "dashboard": (_dashboard, lambda settings: settings.dashboard_port),
    "iapi": (_iapi, lambda settings: settings.iapi_port),
    "webhooks": (_webhooks, lambda settings: settings.webhooks_port),
}
