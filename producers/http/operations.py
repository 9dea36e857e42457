"""GET /operations/{id}: what came of a command, for ever after."""

import time
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel
from starlette.responses import Response

from producers.http.commands import reasons, viewed, with_secret
from producers.http.documents import ErrorModel
from producers.http.endpoints import Endpoint, Example, Visit
from producers.http.envelope import answer, errors
from producers.http.errors import not_found
from state.postgres import journal, parking
from state.postgres.connection import Row
from state.postgres.journal import ACCEPTED
from state.redis import operations
from state.redis.connection import REDIS_DOWN
from topics.codes import Code
from topics.ids import conclusion_id, is_uuid7, uuid7_ms

_GIVEN_UP: Final = (
    "The request could not be read by the workers and has changed nothing. It is kept, and support may still have it "
    "applied: please ask there before you send it again."
)


class Operation(BaseModel):
    """A command and what came of it. Before there is an outcome it is `pending`, or set aside until somebody acts:
    `parked` with its account, or `dead_letter` by itself.
    """

    operation_id: UUID
    status: Literal["pending", "parked", "dead_letter", "applied", "refused", "discarded"]
    account_id: str | None = None
    type: str | None = None
    decided_at: datetime | None = None
    result: Any = None
    errors: list[ErrorModel] = []


async def show(visit: Visit) -> Response:
    """The journal knows what is decided, the shelf what is set aside, Redis what is under way."""
    command_id = _id(visit.path("operation_id"))
    async with visit.surface.reading() as connection:
        row = await journal.find(connection, command_id)
        parked = None if row is not None else await parking.find(connection, command_id)
        goes_on = row is not None and row["outcome"] == ACCEPTED
        end = await journal.find(connection, conclusion_id(command_id)) if goes_on else None
    if row is not None:
        return await _decided(visit, row, end or row)
    if parked is not None:
        kind, caller = parking.asked(parked)
        return _waiting(
            visit, command_id, "parked", operations.Underway(parked["account_id"], kind, caller=caller)
        )
    return await _underway(visit, command_id)


async def _decided(visit: Visit, row: Row, end: Row) -> Response:
    """The command's row says whose it is, its last one what came of it."""
    account_id, kind = row["account_id"], row["type"]
    own = row["actor"] == visit.caller.id
    _check(visit, account_id, kind, own=own)
    outcome = end["outcome"]
    good = outcome in ("applied", ACCEPTED)
    message, problems = ("", ()) if good else reasons(end["answer"])
    secret_of = row["command_id"] if own else None
    result = await with_secret(visit, secret_of, end["answer"]) if good else None
    return answer(
        {
            "operation_id": row["command_id"],
            "status": "pending" if outcome == ACCEPTED else outcome,
            "account_id": account_id,
            "type": kind,
            "decided_at": end["decided_at"],
            "result": viewed(visit, kind, account_id, result),
            "errors": [] if good else errors(end["code"] or Code.DISCARDED, message, problems),
        }
    )


def _check(visit: Visit, account_id: str, kind: str, *, own: bool) -> None:
    """Raises 1404 for whoever may not see the account, or may not know what others ask for there."""
    if not visit.caller.may_see(account_id) or not (own or visit.surface.kind.may_read(visit.caller, kind)):
        raise _no_such()


async def _underway(visit: Visit, command_id: UUID) -> Response:
    try:
        mark = await operations.find(visit.surface.redis, visit.surface.patience, command_id)
    except (*REDIS_DOWN, operations.ForgottenError):
        # Redis can't say whether it is under way, or was emptied. An id of the last day may well be, and "pending"
        # tells a stranger nothing about an account; "no such operation" would be a lie to the one who sent it.
        if uuid7_ms(command_id) / 1000 > time.time() - operations.KEPT_SECONDS:
            return _waiting(visit, command_id, "pending")
        raise _no_such() from None
    if mark is None:
        raise _no_such()
    return _waiting(visit, command_id, "dead_letter" if mark.given_up else "pending", mark)


def _waiting(
    visit: Visit, command_id: UUID, status: str, known: operations.Underway | None = None
) -> Response:
    if known is not None:
        _check(visit, known.account_id, known.type, own=known.caller == visit.caller.id)
    return answer(
        {
            "operation_id": command_id,
            "status": status,
            "account_id": known.account_id if known is not None else None,
            "type": known.type if known is not None else None,
            "decided_at": None,
            "result": None,
            "errors": errors(Code.INTERNAL, _GIVEN_UP) if status == "dead_letter" else [],
        }
    )


def _id(text: str) -> UUID:
    try:
        found = UUID(text)
    except ValueError:
        raise _no_such() from None
    if not is_uuid7(found):
        raise _no_such()
    return found


def _no_such() -> Exception:
    return not_found("There is no such operation.")


def endpoint(scope: str | None) -> Endpoint:
    """The endpoint, on a surface that asks for `scope` to read."""
    return Endpoint(
        "GET",
        "/operations/{operation_id}",
        show,
        "What came of an operation",
        scope=scope,
        result=Operation,
        example=EXAMPLE,
    )


EXAMPLE: Final = Example(
    result={
        "operation_id": "019ab0d2-6f2c-7a31-8c1e-3f5b1d2a9c44",
        "status": "refused",
        "account_id": "023e105f4ecef8ad9ca31a8372d0c353",
        "type": "billing.profiles.replace.v1",
        "decided_at": "2026-11-23T20:15:30.120000Z",
        "result": None,
        "errors": [
            {
                "code": 1400,
                "message": "Add the ZIP code: in the United States it looks like 95014.",
                "source": {"pointer": "/zipcode"},
            }
        ],
    }
)
