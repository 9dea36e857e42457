"""Reading a request's body: bounded, JSON, checked against its model, every mistake named by its field."""

import asyncio
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import ClientDisconnect, Request

from handlers.decision import Problem
from producers.http.errors import ApiError, invalid
from topics.codes import Code
from topics.limits import MAX_BODY_BYTES

M = TypeVar("M", bound=BaseModel)

_MAX_PROBLEMS: Final = 50
_DRAINED: Final = 4 * 1024 * 1024
_PATIENCE: Final = 10.0
_SENTENCES: Final = {
    "extra_forbidden": "There is no such field here. Check its spelling, or leave it out.",
    "missing": "This field is required.",
    "string_type": "Send text, in quotes.",
    "model_type": "Send a JSON object.",
    "dict_type": "Send a JSON object.",
}


async def read(request: Request, model: type[M]) -> M:
    """The body as `model`. Raises 1413, 1415, or 1400 with a pointer to each wrong field."""
    raw = await _bytes(request)
    _check_media_type(request, raw)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise _explained(error) from None


async def _bytes(request: Request) -> bytes:
    """The whole body, announced or chunked.

    One that is too large is read on for a while without being kept: a client that is still sending when
    the connection ends never sees the answer.
    """
    body, size = bytearray(), 0
    try:
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.stream():
                size += len(chunk)
                if size <= MAX_BODY_BYTES:
                    body += chunk
                elif size > _DRAINED:
                    break
    except (TimeoutError, ClientDisconnect):
        raise invalid("The body did not arrive whole, or not in time.") from None
    if size > MAX_BODY_BYTES:
        message = f"The body is larger than {MAX_BODY_BYTES // 1024} KiB."
        raise ApiError(Code.TOO_LARGE, message, headers={"Connection": "close"})
    return bytes(body)


def _check_media_type(request: Request, raw: bytes) -> None:
    if not raw:
        raise invalid("The request has no body. Send a JSON object.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise ApiError(
            Code.UNSUPPORTED_MEDIA_TYPE, "Send JSON, with the header `Content-Type: application/json`."
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ApiError(Code.UNSUPPORTED_MEDIA_TYPE, "Send the body as it is, without a Content-Encoding.")


def _explained(error: ValidationError) -> ApiError:
    found = error.errors(include_url=False, include_context=True, include_input=False)
    if found[0]["type"] == "json_invalid":
        where = found[0].get("ctx", {}).get("error", "it can't be parsed")
        return invalid(f"The body is not valid JSON: {where}.")
    problems = tuple(Problem(_pointer(item), _sentence(item)) for item in found[:_MAX_PROBLEMS])
    return ApiError(Code.INVALID, "The request is not valid.", problems)


def _pointer(item: ErrorDetails) -> str:
    """RFC 6901."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in item["loc"])


def _sentence(item: ErrorDetails) -> str:
    return _SENTENCES.get(item["type"]) or f"{item['msg']}."
