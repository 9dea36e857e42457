"""A surface as an ASGI application: its endpoints, the plumbing around them, and its document."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from producers.http import health
from producers.http.around import Around
from producers.http.documents import document
from producers.http.endpoints import Endpoint, served
from producers.http.errors import ApiError
from producers.http.routing import NamedRoute, refused, unroutable
from producers.http.surface import Kind, Settings, opened


def build(kind: Kind, endpoints: Iterable[Endpoint], settings: Settings) -> FastAPI:
    """The application. Nothing is opened before its lifespan begins; `openapi()` needs no lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened(kind, settings) as surface:
            app.state.surface = surface
            yield

    app = _Application(
        kind,
        tuple(endpoints),
        title=kind.title,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers={ApiError: refused, HTTPException: unroutable},
    )
    app.add_middleware(Around, surface=kind.name)
    for path, call in (("/livez", health.livez), ("/readyz", health.readyz), ("/metrics", health.metrics)):
        app.router.routes.append(NamedRoute(path, call, methods=["GET"]))
    for endpoint in app.endpoints:
        path = kind.base + endpoint.path
        app.router.routes.append(NamedRoute(path, served(endpoint), methods=[endpoint.method]))
    return app


class _Application(FastAPI):
    def __init__(self, kind: Kind, endpoints: tuple[Endpoint, ...], **options: Any) -> None:
        super().__init__(**options)
        self.kind, self.endpoints = kind, endpoints

    def openapi(self) -> dict[str, Any]:
        """The document of the endpoints, made when it is first asked for."""
        if self.openapi_schema is None:
            self.openapi_schema = document(self.kind, self.endpoints)
        return self.openapi_schema
