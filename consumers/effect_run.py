"""One effect from claim to close: performed, then finished with its results in one transaction, or given back."""

import asyncio
import random
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from uuid6 import uuid7

from consumers.performing import GivenUp, Outcome, Performed, Performer, Postponed, Store, Work
from observability.crash import crash_point
from observability.metrics import EFFECT_SECONDS, EFFECTS
from state.postgres import effects, outbox
from state.postgres.connection import RETRY_NOW, STORE_DOWN
from state.postgres.effects import Effect, LeaseLostError
from topics.ids import conclusion_id
from topics.message import Actor, Envelope, Fact, Role
from topics.table import COMMANDS, FACTS

log = structlog.get_logger()

ACTOR: Final = Actor("effects", Role.SYSTEM, "/effects")
FIRST_BACKOFF: Final = 0.5
LONGEST_BACKOFF: Final = 300.0
NAP: Final = 0.2


def backoff(attempts: int) -> timedelta:
    """Full jitter below a ceiling that doubles with each attempt: 0.5 s, 1 s, 2 s ... 5 min."""
    ceiling = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(max(attempts, 1) - 1, 20))
    return timedelta(seconds=random.uniform(0, ceiling))  # noqa: S311


class EffectRun:
    """Performs claimed effects one by one."""

    def __init__(self, store: Store, performers: Mapping[str, Performer]) -> None:
        self._store, self._performers = store, performers

    async def perform(self, work: Work) -> None:
        """Perform and close one effect. Whatever fails, it ends on record or with its lease."""
        kind = work.effect.kind
        try:
            with EFFECT_SECONDS.labels(kind=kind).time():
                outcome = await self._attempt(work)
            await self._close(work, outcome)
        except LeaseLostError:
            EFFECTS.labels(kind=kind, result="lost").inc()
            log.warning("effect_lease_lost", kind=kind, effect_id=str(work.effect.id))
            return
        except asyncio.CancelledError:
            log.warning("effect_left_to_its_lease", kind=kind, effect_id=str(work.effect.id))
            raise
        result = {Performed: "done", GivenUp: "failed", Postponed: "retry"}[type(outcome)]
        EFFECTS.labels(kind=kind, result=result).inc()

    async def _attempt(self, work: Work) -> Outcome:
        try:
            return await self._performers[work.effect.kind].perform(work)
        except LeaseLostError:
            raise
        except (*STORE_DOWN, *RETRY_NOW) as down:
            return Postponed(f"PostgreSQL: {type(down).__name__}", timedelta(seconds=1), counted=False)
        except Exception as defect:
            log.exception("performer_failed", kind=work.effect.kind, effect_id=str(work.effect.id))
            return Postponed(f"{type(defect).__name__} in the performer")

    async def _close(self, work: Work, outcome: Outcome) -> None:
        """Write the outcome as soon as the store takes it. Raises `LeaseLostError`."""
        while time.monotonic() < work.until:
            try:
                return await self._write(work, outcome)
            except (*STORE_DOWN, *RETRY_NOW) as down:
                log.warning("effect_not_closed", kind=work.effect.kind, error=type(down).__name__)
                await asyncio.sleep(NAP)
        raise LeaseLostError

    async def _write(self, work: Work, outcome: Outcome) -> None:
        if isinstance(outcome, Postponed):
            await self._give_back(work, outcome)
        else:
            await self._finish(work, outcome)

    async def _finish(self, work: Work, outcome: Performed | GivenUp) -> None:
        failed = isinstance(outcome, GivenUp)
        crash_point("effects.performed")
        async with self._store.acquire() as connection, connection.transaction():
            await effects.finish(
                connection,
                work.effect,
                work.worker,
                generation=outcome.generation,
                state="failed" if failed else "done",
                error=outcome.reason if isinstance(outcome, GivenUp) else None,
            )
            crash_point("effects.finished")
            if told := [*_told(work.effect, outcome.results), *_concluded(work.effect, outcome)]:
                await outbox.add(connection, told)
            crash_point("effects.before_commit")
        crash_point("effects.committed")
        if failed:
            log.warning("effect_failed", kind=work.effect.kind, effect_id=str(work.effect.id))

    async def _give_back(self, work: Work, outcome: Postponed) -> None:
        delay = outcome.after if outcome.after is not None else backoff(work.effect.attempts)
        async with self._store.acquire() as connection:
            await effects.retry_later(
                connection,
                work.effect,
                work.worker,
                delay=delay,
                error=outcome.cause,
                counted=outcome.counted,
                gives_way=outcome.gives_way,
            )
        crash_point("effects.given_back")


def _told(effect: Effect, results: Iterable[Fact]) -> list[outbox.OutboxRow]:
    """The results as messages to the loop, which alone writes the account's state (law 5)."""
    return [
        outbox.message_row(
            FACTS.name,
            _envelope(effect, uuid7(), fact.type),
            fact,
        )
        for fact in results
    ]


def _envelope(effect: Effect, name: UUID, kind: str, *, reply_to: str | None = None) -> Envelope:
    """What follows is as urgent as what it follows from."""
    return Envelope(
        name,
        kind,
        effect.account_id,
        ACTOR,
        causation_id=effect.cause,
        reply_to=reply_to,
        urgency=effect.urgency,
    )


def _concluded(effect: Effect, outcome: Performed | GivenUp) -> list[outbox.OutboxRow]:
    """The end of the operation that asked for the effect, under the one id it can have."""
    conclusion = outcome.conclusion if isinstance(outcome, Performed) else None
    if conclusion is None or effect.cause is None:
        return []
    name = conclusion_id(UUID(effect.cause))
    envelope = _envelope(effect, name, conclusion.type, reply_to=effect.reply_to)
    return [outbox.message_row(COMMANDS.name, envelope, conclusion)]
