"""What happens around every request: its id, its measure, the headers of every answer, the last resort."""

import re
import time
import traceback
from typing import Any, Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from observability.metrics import HTTP_REQUESTS, HTTP_SECONDS
from producers.http.envelope import refusal
from producers.http.errors import NO_RETRY, ApiError
from topics.codes import Code

log = structlog.get_logger()

REQUEST_ID: Final = "X-Request-Id"
_REQUEST_ID_FORM: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


class Around:
    """Plain ASGI middleware. A request id that came in goes out; a defect becomes an envelope with 500."""

    def __init__(self, app: ASGIApp, *, surface: str) -> None:
        self._app, self._surface = app, surface

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, began, status = _request_id(scope), time.perf_counter(), 0

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                for name, value in _HEADERS:
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, dressed)
        except Exception as error:
            _log_defect(error, request_id, scope)
            if status:
                raise  # half an answer is out already: the server cuts the connection
            await refusal(_DEFECT)(scope, receive, dressed)
        finally:
            self._measure(scope, status, time.perf_counter() - began, request_id)

    def _measure(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "unmatched")
        HTTP_REQUESTS.labels(self._surface, method, route, status).inc()
        HTTP_SECONDS.labels(self._surface, method, route).observe(seconds)
        log.info(
            "request",
            surface=self._surface,
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            request_id=request_id,
        )


_DEFECT: Final = ApiError(
    Code.INTERNAL,
    "Something went wrong on our side. Read the current state before you try again, and tell support the "
    f"{REQUEST_ID} of this answer.",
    headers=dict([NO_RETRY]),
)


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID)
    return given if given is not None and _REQUEST_ID_FORM.fullmatch(given) else str(uuid4())


def _log_defect(error: Exception, request_id: str, scope: Scope) -> None:
    """Where it went wrong, without the message and the values: they may hold personal data."""
    where: list[str] = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-12:]
    ]
    details: dict[str, Any] = {"error": type(error).__name__, "where": where, "request_id": request_id}
    log.error("request_failed", route=getattr(scope.get("route"), "path", "unmatched"), **details)
