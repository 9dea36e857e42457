"""Reading a request's body: bounded, JSON, checked against its model; and refusing one where none is taken."""

import asyncio
from collections.abc import Mapping
from typing import Final, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from handlers.decision import Problem
from producers.http.errors import ApiError, invalid
from producers.http.mistakes import MOST, NOWHERE, explained, mistaken, not_json, pointer
from topics.codes import Code
from topics.limits import MAX_BODY_BYTES

M = TypeVar("M", bound=BaseModel)

_DRAINED: Final = 4 * 1024 * 1024
_PATIENCE: Final = 10.0
_ANNOUNCING: Final = frozenset({b"content-length", b"transfer-encoding"})
_NOT_TAKEN: Final = "This request takes no body. Leave it out, or send an empty JSON object."


async def read(request: Request, model: type[M], *, elsewhere: Mapping[str, str] = NOWHERE) -> M:
    """The body as `model`. Raises 1413, 1415, or 1400 with a pointer to each wrong field.

    `elsewhere` says of fields that are not taken here what to do instead.
    """
    raw = await whole(request)
    if not raw:
        raise invalid("The request has no body. Send a JSON object.")
    _check_media_type(request)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise explained(error, elsewhere) from None


async def refuse(request: Request, *, query: frozenset[str]) -> None:
    """Take nothing but an empty body or `{}`, which some clients always send.

    Whatever is said there would be done without: a version to expect, for one. `query` are the parameters that
    the endpoint takes behind the question mark, where such a field may belong. Raises 1400, 1413 or 1415.
    """
    if not any(name in _ANNOUNCING for name, _ in request.scope["headers"]):
        return
    raw = await whole(request)
    if not raw.strip():
        return
    _check_media_type(request)
    try:
        given = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise not_json(str(error)) from None
    if not isinstance(given, dict):
        raise invalid(_NOT_TAKEN)
    if given:
        raise mistaken(tuple(Problem(pointer((name,)), _misplaced(name, query)) for name in [*given][:MOST]))


def _misplaced(name: str, query: frozenset[str]) -> str:
    return f"Send it as a query parameter: `?{name}=`." if name in query else _NOT_TAKEN


async def whole(request: Request, *, most: int = MAX_BODY_BYTES) -> bytes:
    """All bytes of the body, announced or chunked, up to `most`. Raises 1400 or 1413.

    One that is too large is read on for a while without being kept: a client that is still sending when
    the connection ends never sees the answer.
    """
    body, size = bytearray(), 0
    try:
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.stream():
                size += len(chunk)
                if size <= most:
                    body += chunk
                elif size > _DRAINED:
                    break
    except (TimeoutError, ClientDisconnect):
        raise invalid("The body did not arrive whole, or not in time.") from None
    if size > most:
        message = f"The body is larger than {most // 1024} KiB."
        raise ApiError(Code.TOO_LARGE, message, headers={"Connection": "close"})
    return bytes(body)


def _check_media_type(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise ApiError(
            Code.UNSUPPORTED_MEDIA_TYPE, "Send JSON, with the header `Content-Type: application/json`."
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ApiError(Code.UNSUPPORTED_MEDIA_TYPE, "Send the body as it is, without a Content-Encoding.")
