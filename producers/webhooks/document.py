"""The OpenAPI document of the webhooks' surface: what the processors send, what they are answered.

Bodies are the processors' own and described as far as they are read here; the rest is kept as it came.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request

from producers.http.documents import Failure, failure, release
from producers.http.envelope import JSON
from producers.http.errors import STATUS
from topics.codes import Code

TITLE: Final = "Billing webhooks"
ABOUT: Final = (
    "Where Stripe and Braintree send their webhooks. A webhook is verified on its raw bytes, put into Kafka, and only "
    "then answered: 200 says that it is kept, and with anything else the processor sends it again. Nobody else has "
    "anything to ask for here."
)
FORM: Final = "application/x-www-form-urlencoded"
PLAIN: Final = "text/plain"
_REFUSED: Final = {
    Code.INVALID: "The webhook is not signed as it must be, or can't be understood. The log has the cause.",
    Code.TOO_LARGE: "The webhook is larger than any that the processors send.",
    Code.UNAVAILABLE: "The webhook could not be kept. Please send it again.",
}

SNAPSHOT: Final[dict[str, Any]] = {
    "id": "evt_1PgafmB7WZ01zgkWcK9bvVQ2",
    "object": "event",
    "type": "payment_method.attached",
    "created": 1795000000,
    "data": {
        "object": {
            "id": "pm_1PgafmB7WZ01zgkW8Yc4f2Qk",
            "object": "payment_method",
            "customer": "cus_QXg1o8vcGmoR32",
        }
    },
}
THIN: Final[dict[str, Any]] = {
    "id": "evt_65R9Ijk8dKEYZcXeRWn16R9A7j1FSQ3w3TGDPLLGSM4CW0",
    "object": "v2.core.event",
    "type": "v1.customer.updated",
    "created": "2026-11-24T09:30:15.000Z",
    "related_object": {
        "id": "cus_QXg1o8vcGmoR32",
        "type": "customer",
        "url": "/v1/customers/cus_QXg1o8vcGmoR32",
    },
}
NOTIFICATION: Final = {
    "bt_signature": "sandbox_public_key|5a9de0e4c4b9b4b5c6d1c3d0a7f9e2b1c8d7a6f5",
    "bt_payload": (
        "PG5vdGlmaWNhdGlvbj48dGltZXN0YW1wIHR5cGU9ImRhdGV0aW1lIj4yMDI2LTExLTI0VDA5OjMw\n"
        "OjE1WjwvdGltZXN0YW1wPjxraW5kPmNoZWNrPC9raW5kPjxzdWJqZWN0PjxjaGVjayB0eXBlPSJi\n"
        "b29sZWFuIj50cnVlPC9jaGVjaz48L3N1YmplY3Q+PC9ub3RpZmljYXRpb24+\n"
    ),
}
CHALLENGE: Final = "f9daaa62d0de4d54a16e5e1a77de4b3a"


class Received(BaseModel):
    """The webhook is kept, or was a check of the endpoint."""

    received: Literal[True]


@dataclass(frozen=True, slots=True)
class _Operation:
    """One way in: what it takes, and what it may be refused with."""

    method: str
    path: str
    summary: str
    about: str
    refusals: tuple[Code, ...]
    request: dict[str, Any]
    proof: bool = False
    """The answer is text that proves whose endpoint it is."""

    @property
    def name(self) -> str:
        return "_".join([self.method.lower(), *self.path.strip("/").split("/")])


def _text(about: str, **further: Any) -> dict[str, Any]:
    return {"type": "string", "description": about, **further}


_EVENT: Final = {
    "type": "object",
    "description": "An event of Stripe, a snapshot or a thin one. All is kept but client secrets.",
    "required": ["id", "type"],
    "properties": {
        "id": _text("The same in every delivery."),
        "object": _text("`event` shows its object in `data`, `v2.core.event` only names it."),
        "type": _text("What happened."),
        "data": {
            "type": "object",
            "required": ["object"],
            "properties": {"object": {"type": "object"}, "previous_attributes": {"type": ["object", "null"]}},
        },
        "related_object": {"type": ["object", "null"], "properties": {"id": {"type": "string"}}},
    },
    "additionalProperties": True,
}
_NOTICE: Final = {
    "type": "object",
    "required": [*NOTIFICATION],
    "properties": {
        "bt_signature": _text("Pairs of a public key and the payload's signature, joined by `&`."),
        "bt_payload": _text("The notification in XML, as Base64 with the line ends that were signed."),
    },
}
OPERATIONS: Final = (
    _Operation(
        "POST",
        "/webhooks/stripe",
        "Take a webhook of Stripe",
        "Snapshot and thin events alike. The signature must be at most 300 seconds old.",
        (Code.INVALID, Code.TOO_LARGE, Code.UNAVAILABLE),
        {
            "parameters": [
                {
                    "in": "header",
                    "name": "Stripe-Signature",
                    "required": True,
                    "description": "When it was signed, and the signatures of the raw body by each current secret.",
                    "schema": {"type": "string"},
                    "example": f"t=1795000000,v1={'5257a869' * 8}",
                }
            ],
            "requestBody": {
                "required": True,
                "content": {
                    JSON: {
                        "schema": _EVENT,
                        "examples": {"snapshot": {"value": SNAPSHOT}, "thin": {"value": THIN}},
                    }
                },
            },
        },
    ),
    _Operation(
        "POST",
        "/webhooks/braintree",
        "Take a webhook of Braintree",
        "A form, signed by our private key. Kept are the kinds that say something to us; `check` and the others "
        "are answered and not kept.",
        (Code.INVALID, Code.TOO_LARGE, Code.UNAVAILABLE),
        {
            "requestBody": {
                "required": True,
                "content": {FORM: {"schema": _NOTICE, "examples": {"check": {"value": NOTIFICATION}}}},
            }
        },
    ),
    _Operation(
        "GET",
        "/webhooks/braintree",
        "Prove to Braintree whose endpoint it is",
        "Asked once, when the address is entered in Braintree's control panel.",
        (Code.INVALID,),
        {
            "parameters": [
                {
                    "in": "query",
                    "name": "bt_challenge",
                    "required": True,
                    "description": "What is to be signed.",
                    "schema": {"type": "string", "pattern": "^[a-f0-9]{20,32}$"},
                    "example": CHALLENGE,
                }
            ]
        },
        proof=True,
    ),
)


def document() -> dict[str, Any]:
    """The whole document. Nothing of the surface has to run."""
    routes = [_route(operation) for operation in OPERATIONS]
    schema = get_openapi(title=TITLE, version=release(), description=ABOUT, routes=routes)
    for operation in OPERATIONS:
        _illustrate(schema["paths"][operation.path][operation.method.lower()]["responses"], operation)
    return schema


def _route(operation: _Operation) -> APIRoute:
    """The operation as FastAPI documents it; it is served by a plain route."""
    return APIRoute(
        operation.path,
        _nothing,
        methods=[operation.method],
        summary=operation.summary,
        description=operation.about,
        operation_id=operation.name,
        response_model=None,
        responses={
            200: {"description": "The proof."}
            if operation.proof
            else {"model": Received, "description": "Kept."},
            **{
                STATUS[code]: {"model": Failure, "description": f"{code.value}: {_sentence(code, operation)}"}
                for code in operation.refusals
            },
        },
        openapi_extra=operation.request,
    )


async def _nothing(_request: Request) -> None:
    """Stands for what serves the operation."""


def _illustrate(answers: dict[str, Any], operation: _Operation) -> None:
    if operation.proof:
        example = f"sandbox_public_key|{'5a9de0e4' * 5}"
        answers["200"]["content"] = {PLAIN: {"schema": {"type": "string"}, "example": example}}
    else:
        answers["200"]["content"][JSON]["example"] = {"received": True}
    for code in operation.refusals:
        answers[str(STATUS[code])]["content"][JSON]["example"] = failure(code, _sentence(code, operation))


def _sentence(code: Code, operation: _Operation) -> str:
    return "The challenge is none of Braintree's." if operation.proof else _REFUSED[code]
