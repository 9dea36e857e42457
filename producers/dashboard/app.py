"""The Dashboard's API as an application: base /client/v4, API tokens, the public API's shapes."""

from typing import Any, Final

from fastapi import FastAPI

from producers.dashboard import addresses, payment_methods, profiles
from producers.dashboard.access import api_token_access
from producers.http import app, documents, operations
from producers.http.callers import Caller
from producers.http.surface import Kind, Settings
from state.postgres.api_tokens import READ

ENDPOINTS: Final = (
    *profiles.ENDPOINTS,
    *addresses.ENDPOINTS,
    *payment_methods.ENDPOINTS,
    operations.endpoint(READ),
)


def _may_read(_caller: Caller, _message_type: str) -> bool:
    """A token with Billing Read may read whatever was done to its accounts."""
    return True


KIND: Final = Kind(
    name="dashboard",
    title="Billing API",
    base="/client/v4",
    about="The account side of billing, for customers: wire-compatible with the public API and its clients.",
    access=api_token_access,
    views=profiles.VIEWS,
    may_read=_may_read,
)


def create_app(settings: Settings) -> FastAPI:
    """The application, to be served by uvicorn with `producers.http.protocol.serving`."""
    return app.build(KIND, ENDPOINTS, settings)


def document() -> dict[str, Any]:
    """Its OpenAPI document, without a running stack."""
    return documents.document(KIND, ENDPOINTS)
