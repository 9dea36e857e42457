"""The one shape of every answer (DOMAIN.md 10): success, errors, messages, result."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from starlette.responses import Response

from handlers.decision import Problem
from producers.http.errors import ApiError

JSON: Final = "application/json"


def answer(
    result: Any,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    messages: Iterable[tuple[int, str]] = (),
    result_info: Mapping[str, int] | None = None,
) -> Response:
    """A success. `result` is JSON-ready; UUIDs and times are written as text. `result_info` tells of pages."""
    body: dict[str, Any] = {
        "success": True,
        "errors": [],
        "messages": [{"code": code, "message": text} for code, text in messages],
        "result": result,
        **({"result_info": result_info} if result_info else {}),
    }
    return Response(orjson.dumps(body, _text, orjson.OPT_UTC_Z), status, headers, JSON)


def _text(value: object) -> str:
    """asyncpg's UUIDs are of a class of their own, which orjson does not know."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError


def refusal(error: ApiError, headers: Mapping[str, str] | None = None) -> Response:
    """A failure: one entry in `errors` for each field that is wrong, or one for the whole."""
    body = {
        "success": False,
        "errors": errors(error.code, error.message, error.problems),
        "messages": [],
        "result": None,
    }
    return Response(orjson.dumps(body), error.status, {**error.headers, **(headers or {})}, JSON)


def errors(code: int, message: str, problems: Iterable[Problem] = ()) -> list[dict[str, Any]]:
    """The `errors` of an answer, each with the pointer to its field where there is one."""
    by_field = [
        {"code": int(code), "message": problem.message, "source": {"pointer": problem.pointer}}
        for problem in problems
    ]
    return by_field or [{"code": int(code), "message": message}]
