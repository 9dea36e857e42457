"""The OpenAPI document of a surface, made from its endpoints: schemas, examples, errors, headers."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Generic, Literal, TypeVar

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from producers.http.endpoints import Endpoint, served
from producers.http.envelope import JSON
from producers.http.errors import STATUS
from producers.http.query import Whole
from producers.http.surface import Kind
from topics.codes import Code
from topics.ids import ACCOUNT_ID_PATTERN

T = TypeVar("T")


class SourceModel(BaseModel):
    """Where a mistake is: a JSON pointer into the request's body (RFC 6901), or to a query parameter by its name."""

    pointer: str


class ErrorModel(BaseModel):
    """A stable code, and a sentence to act on."""

    code: int
    message: str
    source: SourceModel | None = None


class MessageModel(BaseModel):
    """Something worth knowing that is no error."""

    code: int
    message: str


class Success(BaseModel, Generic[T]):
    """The request was understood and done."""

    success: Literal[True]
    errors: list[ErrorModel]
    messages: list[MessageModel]
    result: T


class Failure(BaseModel):
    """It was refused or could not be answered, and `errors` says why."""

    success: Literal[False]
    errors: list[ErrorModel]
    messages: list[MessageModel]
    result: None


class Accepted(BaseModel):
    """The operation goes on; ask for it at the URL in the header Location."""

    operation_id: str
    status: Literal["pending"]


_SENTENCES: Final = {
    Code.INVALID: "The request is not valid; each error points to its field or query parameter.",
    Code.UNAUTHENTICATED: "No token, or one that does not hold.",
    Code.FORBIDDEN: "The token lacks a scope.",
    Code.NOT_FOUND: "There is no such account or thing, or not for this token.",
    Code.ACCOUNT_LOCKED: "The account is locked by support.",
    Code.NO_VALID_PAYMENT_METHOD: "There is no payment method that can be charged; the message says what to do.",
    Code.OUTSTANDING_BALANCE: "A balance is outstanding.",
    Code.ACCOUNT_TYPE_EXCLUDED: "Not for accounts of this type.",
    Code.PAYMENT_METHOD_LIMIT: "The account keeps as many payment methods as it may.",
    Code.PAYMENT_METHOD_IN_USE: "Subscriptions are paid with this method.",
    Code.TRANSACTIONS_IN_PROGRESS: "Transactions are in progress; the message says which.",
    Code.MERGED_ACCOUNT: "Several accounts share one Stripe customer.",
    Code.VERSION_CONFLICT: "It changed meanwhile.",
    Code.IDEMPOTENCY_KEY_REUSED: "The Idempotency-Key was used with another request.",
    Code.ALREADY_EXISTS: "There is one already.",
    Code.DISCARDED: "An operator gave up the operation, which changed nothing.",
    Code.TOO_LARGE: "The body is too large.",
    Code.UNSUPPORTED_MEDIA_TYPE: "The body is not JSON.",
    Code.RATE_LIMITED: "Too many requests; the header Retry-After says when to come again.",
    Code.INTERNAL: "Something went wrong on our side; tell support the X-Request-Id.",
    Code.UNAVAILABLE: "The service can't answer right now; the header Retry-After says when to come again.",
}
_PENDING: Final = {"operation_id": "019ab0d2-6f2c-7a31-8c1e-3f5b1d2a9c44", "status": "pending"}
_COMMAND_HEADERS: Final = (
    ("Idempotency-Key", "The same key with the same request is the same operation, with the same answer."),
    ("Prefer", "`respond-async`: answer 202 at once instead of waiting for the outcome."),
)


def document(kind: Kind, endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The OpenAPI document of a surface. Nothing of it has to run."""
    described = tuple(endpoints)
    routes = [_described(endpoint, kind.base) for endpoint in described]
    schema = get_openapi(title=kind.title, version=release(), description=kind.about, routes=routes)
    schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for endpoint in described:
        _illustrate(schema["paths"][kind.base + endpoint.path][endpoint.method.lower()], endpoint)
    return schema


def release() -> str:
    """The version of what is installed."""
    try:
        return version("billing-fleet")
    except PackageNotFoundError:
        return "0"


def _described(endpoint: Endpoint, base: str) -> APIRoute:
    """The endpoint as FastAPI documents it; it is served by a plain route."""
    result: Any = endpoint.result
    return APIRoute(
        base + endpoint.path,
        served(endpoint),
        methods=[endpoint.method],
        summary=endpoint.summary,
        description=endpoint.call.__doc__,
        operation_id=_operation_id(endpoint),
        response_model=None,
        responses={
            200: {"model": Success[result], "description": "Done."},
            **({202: _accepted(base)} if endpoint.command else {}),
            **_failures(endpoint),
        },
        openapi_extra=_request(endpoint),
    )


def _operation_id(endpoint: Endpoint) -> str:
    words = [piece.strip("{}") for piece in endpoint.path.replace("-", "_").split("/") if piece]
    return "_".join([endpoint.method.lower(), *words])


def _accepted(base: str) -> dict[str, Any]:
    sentence = f"Taken, but not decided yet: ask for it at {base}/operations/{{id}}."
    return {"model": Success[Accepted], "description": sentence}


def _codes(endpoint: Endpoint) -> list[Code]:
    codes = [Code.INVALID, Code.RATE_LIMITED, Code.INTERNAL, Code.UNAVAILABLE, *endpoint.refusals]
    if endpoint.credentials:
        codes.append(Code.UNAUTHENTICATED)
    if endpoint.scope is not None:
        codes.append(Code.FORBIDDEN)
    if "{" in endpoint.path:
        codes.append(Code.NOT_FOUND)
    if (
        endpoint.method != "GET"
    ):  # where no body is taken, one that is sent all the same is refused with these
        codes += [Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA_TYPE]
    if endpoint.command:
        codes += [Code.ACCOUNT_LOCKED, Code.IDEMPOTENCY_KEY_REUSED, Code.DISCARDED]
    return sorted(set(codes))


def _by_status(endpoint: Endpoint) -> dict[int, list[Code]]:
    found: dict[int, list[Code]] = {}
    for code in _codes(endpoint):
        found.setdefault(STATUS[code], []).append(code)
    return dict(sorted(found.items()))


def _failures(endpoint: Endpoint) -> dict[int | str, dict[str, Any]]:
    return {
        status: {
            "model": Failure,
            "description": " ".join(f"{code.value}: {_SENTENCES[code]}" for code in codes),
        }
        for status, codes in _by_status(endpoint).items()
    }


def _illustrate(operation: dict[str, Any], endpoint: Endpoint) -> None:
    """Put the examples into an operation of the finished document: FastAPI leaves out what is null."""
    answers = operation["responses"]
    answers["200"]["content"][JSON]["example"] = _success(endpoint.example.result)
    if endpoint.command:
        answers["202"]["content"][JSON]["example"] = _success(_PENDING)
    for status, codes in _by_status(endpoint).items():
        answers[str(status)]["content"][JSON]["example"] = failure(codes[0], _SENTENCES[codes[0]])
    if endpoint.body is not None:
        operation["requestBody"]["content"][JSON]["example"] = endpoint.example.body


def _success(result: Any) -> dict[str, Any]:
    return {"success": True, "errors": [], "messages": [], "result": result}


def failure(code: Code, sentence: str) -> dict[str, Any]:
    """An example of a refusal."""
    error = {"code": code.value, "message": sentence}
    return {"success": False, "errors": [error], "messages": [], "result": None}


def _request(endpoint: Endpoint) -> dict[str, Any]:
    parameters = [_path_parameter(piece[1:-1]) for piece in endpoint.path.split("/") if piece.startswith("{")]
    parameters += [_query_parameter(name, whole) for name, whole in (endpoint.query or {}).items()]
    if endpoint.command:
        parameters += [_header(name, text) for name, text in _COMMAND_HEADERS]
    extra: dict[str, Any] = {"parameters": parameters}
    if endpoint.credentials:
        extra["security"] = [{"token": [endpoint.scope] if endpoint.scope else []}]
    if endpoint.body is not None:
        schema = _whole(endpoint.body.model_json_schema())
        extra["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return extra


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    """A model's schema with its definitions put in the place of the references to them."""
    definitions = schema.pop("$defs", {})

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        if name := str(value.get("$ref", "")).removeprefix("#/$defs/"):
            return filled(definitions[name])
        return {key: filled(inner) for key, inner in value.items()}

    found: dict[str, Any] = filled(schema)
    return found


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string"}
    if name == "account_id":
        schema |= {"pattern": ACCOUNT_ID_PATTERN, "example": "023e105f4ecef8ad9ca31a8372d0c353"}
    return {"in": "path", "name": name, "required": True, "schema": schema}


def _query_parameter(name: str, whole: Whole) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": whole.least, "maximum": whole.most}
    return {"in": "query", "name": name, "required": False, "description": whole.meaning, "schema": schema}


def _header(name: str, text: str) -> dict[str, Any]:
    return {
        "in": "header",
        "name": name,
        "required": False,
        "description": text,
        "schema": {"type": "string"},
    }
