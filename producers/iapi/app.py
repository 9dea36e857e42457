"""The iAPI Gateway as an application: base /internal/v1, signed service tokens."""

from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from producers.http import app, documents, operations
from producers.http.callers import Caller
from producers.http.surface import Kind, Settings
from producers.iapi import (
    accounts,
    billing_state,
    collection_method,
    payment_methods,
    paypal_batches,
    profiles,
    stripe_customers,
)
from producers.iapi.scopes import reading
from producers.iapi.service_tokens import service_token_access

ENDPOINTS: Final = (
    *billing_state.ENDPOINTS,
    *accounts.ENDPOINTS,
    *stripe_customers.ENDPOINTS,
    *profiles.ENDPOINTS,
    *payment_methods.ENDPOINTS,
    *collection_method.ENDPOINTS,
    *paypal_batches.ENDPOINTS,
    operations.endpoint(None),
)


def _may_read(caller: Caller, message_type: str) -> bool:
    """What another service's command is, and what came of it, is read with the scope of its capability."""
    return reading(message_type) in caller.scopes


def _kind(callers: Path) -> Kind:
    return Kind(
        name="iapi",
        title="Billing iAPI",
        base="/internal/v1",
        about="The account side of billing, for other services: signed service tokens with scopes.",
        access=lambda _pool: service_token_access(callers),
        views=profiles.VIEWS,
        may_read=_may_read,
    )


def create_app(settings: Settings, *, callers: Path) -> FastAPI:
    """The application; `callers` is the registry of public keys (producers/iapi/key_registry.py)."""
    return app.build(_kind(callers), ENDPOINTS, settings)


def document() -> dict[str, Any]:
    """Its OpenAPI document, without a running stack."""
    return documents.document(_kind(Path()), ENDPOINTS)
