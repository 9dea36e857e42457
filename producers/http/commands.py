"""The one way from a request to a command and back: key, publish, wait, answer (DESIGN.md 3).

Without an Idempotency-Key a command costs no look into PostgreSQL and no round trip to Redis: the
journal's key makes it apply once, and the outcome comes by the reply channel.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response

from handlers.decision import Problem
from observability.metrics import OUTCOMES_BY
from producers.http.endpoints import Visit
from producers.http.envelope import answer, refusal
from producers.http.errors import NO_RETRY, ApiError, invalid, unavailable
from producers.http.preferences import idempotency_key, responds_async
from producers.publisher import NotPublishedError
from producers.trace import new_id, traceparent
from state.postgres import idempotency, journal
from state.postgres.journal import ACCEPTED, Outcome
from state.redis import handover, operations
from state.redis.connection import REDIS_DOWN
from topics.codec import encode_body, holds_nul
from topics.codes import Code
from topics.ids import conclusion_id, uuid7_time
from topics.limits import ID_MAX_AGE
from topics.message import Envelope, Message

_OPERATION: Final = "Operation-Id"
_UNREAD: Final = (
    "The client secret can't be read right now. Please ask for the operation in a moment, or try again with the same "
    "Idempotency-Key."
)
_LOST: Final = (
    "The client secret could not be handed over. Please ask for another one; if a payment method waits for it, remove "
    "that first and add it again."
)
_PERHAPS: Final = (
    "It is not known whether the request was taken. Before you send it again, ask for the operation that the header "
    "Operation-Id names and read the current state: a repetition is another operation. Repeating is safe for requests "
    "that had an Idempotency-Key from the first time on."
)
_PERHAPS_KEYED: Final = (
    "It is not known whether the request was taken. Send it again with the same Idempotency-Key: nothing is done twice "
    "by that."
)
HANDED_OVER: Final = "client_secret"
"""The name of a secret that a result leaves empty, as it is handed over beside the journal."""


@dataclass(frozen=True, slots=True)
class _Operation:
    """A command by the name it is published under, and how far it got when a repeated key finds it."""

    id: UUID
    keyed: bool = False
    outcome: Outcome | None = None


async def ask(visit: Visit, message: Message, *, secrets: Mapping[str, str] | None = None) -> Response:
    """Publish `message` about the visit's account and answer with what came of it.

    200 with the result, a refusal with its code, or 202 with the operation when it takes longer than
    the surface waits or the caller prefers not to wait (RFC 7240, respond-async). What an effect has to
    finish is waited for in the same time. `secrets` are handed over to the effect's performer.
    """
    body = _encoded(message)
    operation = await _operation(visit, message.type, body, secrets or {})
    if operation.outcome is not None and operation.outcome.outcome != ACCEPTED:
        return await _told(visit, operation, message.type, operation.outcome, again=True)
    with visit.surface.outcomes.expecting(operation.id) as outcome:
        if operation.outcome is None:
            await _hand_over(visit, operation.id, secrets)
            await _publish(visit, operation, message.type, body)
        if responds_async(visit.request):
            return await _accepted(visit, operation.id, message.type, {"Preference-Applied": "respond-async"})
        try:
            async with asyncio.timeout(visit.surface.settings.wait_seconds):
                end = await _concluded(visit, operation.id, operation.outcome or await outcome)
        except TimeoutError:
            OUTCOMES_BY.labels(surface=visit.surface.kind.name, how="timeout").inc()
            return await _accepted(visit, operation.id, message.type, {})
        return await _told(visit, operation, message.type, end, again=operation.outcome is not None)


async def _concluded(visit: Visit, command_id: UUID, outcome: Outcome) -> Outcome:
    """The last outcome of the operation: its own, or that of the effect it goes on in."""
    if outcome.outcome != ACCEPTED:
        return outcome
    with visit.surface.outcomes.expecting(conclusion_id(command_id)) as conclusion:
        return await conclusion


async def _told(
    visit: Visit, operation: _Operation, message_type: str, outcome: Outcome, *, again: bool = False
) -> Response:
    """An outcome as the answer to the request that asked for it, or that repeats it by its key."""
    headers = {_OPERATION: str(operation.id)}
    if outcome.outcome != "applied":
        message, problems = reasons(outcome.answer)
        return refusal(ApiError(outcome.code or Code.DISCARDED, message, problems), headers)
    try:
        result = await _with_secret(visit, operation.id, outcome.answer)
    except REDIS_DOWN:
        return refusal(_after_all(operation, _UNREAD))
    if isinstance(result, dict) and result.get(HANDED_OVER, "") is None:
        if not again:
            return refusal(_after_all(replace(operation, keyed=False), _LOST))
        _require_use_without_secret(result)
    return answer(viewed(visit, message_type, outcome.account_id, result), headers=headers)


def _require_use_without_secret(result: Mapping[str, Any]) -> None:
    """A repetition may come when the secret is gone: the answer is of use all the same if it names a method, which
    may long be active. Raises 1312, as trying the same key again would never help.
    """
    if "id" not in result:
        over = "The client secret that this Idempotency-Key was for is gone. Use a new key for another one."
        raise ApiError(Code.IDEMPOTENCY_KEY_REUSED, over)


def _after_all(operation: _Operation, sentence: str) -> ApiError:
    """1503 about an operation that is, or may be. A repetition without a key is another, so no client shall make it."""
    error = unavailable(sentence)
    if not operation.keyed:
        error.headers.update([NO_RETRY])
    error.headers[_OPERATION] = str(operation.id)
    return error


async def with_secret(visit: Visit, command_id: UUID | None, text: str | None) -> Any:
    """The result in a journal's answer, with the client secret that was handed over, while it can be had.

    `command_id` is None for whoever did not ask for the operation.
    """
    try:
        return await _with_secret(visit, command_id, text)
    except REDIS_DOWN:
        return None if text is None else orjson.loads(text)


async def _with_secret(visit: Visit, command_id: UUID | None, text: str | None) -> Any:
    """The same. Raises one of `REDIS_DOWN`: the secret may well be there."""
    result = None if text is None else orjson.loads(text)
    if command_id is None or not isinstance(result, dict) or result.get(HANDED_OVER, "") is not None:
        return result
    found = await handover.look(visit.surface.carrier, command_id)
    return {**result, HANDED_OVER: found.get(HANDED_OVER)}


def viewed(visit: Visit, message_type: str, account_id: str, result: Any) -> Any:
    """A result as this surface shows it; None when it was erased or is empty."""
    view = visit.surface.kind.views.get(message_type)
    return view(account_id, result) if view is not None and result is not None else result


def reasons(text: str | None) -> tuple[str, tuple[Problem, ...]]:
    """The sentence and the problems in a journal's answer to a refused command."""
    if text is None:
        return "The details of this answer were erased.", ()
    found = orjson.loads(text)
    return found["message"], tuple(Problem(**problem) for problem in found.get("problems") or ())


def _encoded(message: Message) -> bytes:
    """The body as it will travel. Raises 1400 for what the codec would make a dead letter of."""
    body = encode_body(message)
    if holds_nul(body):
        raise invalid("The body holds the character NUL, which no field may hold.")
    return body


async def _operation(visit: Visit, message_type: str, body: bytes, secrets: Mapping[str, str]) -> _Operation:
    """A new operation, or the one that the request's Idempotency-Key stands for. Raises 1312 or 1400."""
    key = idempotency_key(visit.request)
    if key is None:
        return _Operation(new_id())
    wanted = _request_hash(visit.request, message_type, body + _hashed(secrets))
    async with visit.surface.reading() as connection:
        claim = await idempotency.claim(
            connection,
            account_id=visit.account_id,
            caller=visit.caller.id,
            key=key,
            request_hash=wanted,
            command_id=new_id(),
        )
        if claim.fresh:
            return _Operation(claim.command_id, keyed=True)
        if claim.request_hash != wanted:
            reused = "This Idempotency-Key was used with another request. Use a new key for each operation."
            raise ApiError(Code.IDEMPOTENCY_KEY_REUSED, reused)
        end = conclusion_id(claim.command_id)
        outcomes = await journal.known(connection, [claim.command_id, end])
    outcome = outcomes.get(end) or outcomes.get(claim.command_id)
    if outcome is None:
        _check_age(claim.command_id)
    # Without an outcome it is published once more under its id: whoever took the key may have died before
    # publishing. If it did not, the journal's key drops this one.
    return _Operation(claim.command_id, keyed=True, outcome=outcome)


def _request_hash(request: Request, message_type: str, body: bytes) -> bytes:
    """Method, path and what is asked for, whatever the order and the spacing of the body's fields."""
    return sha256(f"{request.method} {request.url.path}\n{message_type}\n".encode() + body).digest()


def _hashed(secrets: Mapping[str, str]) -> bytes:
    """Which secrets were sent, so that a key used with another nonce is another request."""
    return b"".join(sha256(f"{name}={secrets[name]}".encode()).digest() for name in sorted(secrets))


async def _hand_over(visit: Visit, command_id: UUID, secrets: Mapping[str, str] | None) -> None:
    """Before the command is published, so that whoever performs it finds them. Raises 1503 without Redis."""
    if not secrets:
        return
    try:
        await handover.give(visit.surface.carrier, command_id, secrets)
    except REDIS_DOWN as down:
        raise _not_taken() from down


def _check_age(command_id: UUID) -> None:
    """An id too old for the codec would be published into the dead letters. Raises 1312."""
    if datetime.now(UTC) - uuid7_time(command_id) > ID_MAX_AGE - timedelta(hours=1):
        old = "This Idempotency-Key was used long ago and its operation never came through. Use a new key."
        raise ApiError(Code.IDEMPOTENCY_KEY_REUSED, old)


async def _publish(visit: Visit, operation: _Operation, message_type: str, body: bytes) -> None:
    """Raises 1503. What Kafka may have all the same is marked as under way and named to the caller."""
    surface = visit.surface
    envelope = Envelope(
        id=operation.id,
        type=message_type,
        account_id=visit.account_id,
        actor=visit.caller.actor(surface.kind.name),
        reply_to=surface.outcomes.channel,
        traceparent=traceparent(visit.request.headers.get("traceparent")),
    )
    try:
        await surface.publisher.publish(surface.settings.commands_topic, envelope, body)
    except NotPublishedError as error:
        if not error.maybe:
            # With a key it may have been taken when it was sent before; that one has the same name.
            named = {_OPERATION: str(operation.id)} if operation.keyed else {}
            raise _not_taken(named) from error
        await _mark(visit, operation.id, message_type)
        raise _after_all(operation, _PERHAPS_KEYED if operation.keyed else _PERHAPS) from error


def _not_taken(headers: Mapping[str, str] | None = None) -> ApiError:
    """1503. Nothing was done, and trying again does no harm."""
    error = unavailable("The request could not be taken. Please try again in a moment.")
    error.headers.update(headers or {})
    return error


async def _mark(visit: Visit, command_id: UUID, message_type: str) -> None:
    """The operation can be asked for before there is an outcome."""
    underway = operations.Underway(visit.account_id, message_type, caller=visit.caller.id)
    await operations.mark(visit.surface.redis, visit.surface.patience, command_id, underway)


async def _accepted(visit: Visit, command_id: UUID, message_type: str, headers: dict[str, str]) -> Response:
    """202: the operation goes on by itself and can be asked for."""
    await _mark(visit, command_id, message_type)
    location = f"{visit.surface.kind.base}/operations/{command_id}"
    return answer(
        {"operation_id": str(command_id), "status": "pending"},
        status=202,
        headers={**headers, "Location": location, _OPERATION: str(command_id)},
    )
