"""Work of a test's own: owed, performed as the test says, and told."""

from collections.abc import Awaitable, Callable, Sized
from datetime import UTC, datetime
from uuid import UUID

import orjson
from uuid6 import uuid7

from consumers.performing import Outcome, Performed, Performer, Work
from state.postgres import effects
from state.postgres.effects import EffectRow
from tests.consumers.effects.world import World
from topics.stripe_customers import StripeCustomerSyncFailed

KIND = "test.work"


async def owe(
    world: World, account: str, *, target: str = "there", kind: str = KIND, coalesce: str | None = None
) -> UUID:
    """Owe one piece of work."""
    effect_id: UUID = uuid7()
    row = EffectRow(account, effect_id, kind, target, coalesce, cause="the-command")
    await effects.add(world.connection, [row])
    return effect_id


def fact() -> StripeCustomerSyncFailed:
    """Any result."""
    return StripeCustomerSyncFailed(reason="why", projection="0" * 64, failed_at=datetime.now(UTC))


def performed_by(perform: Callable[[Work], Awaitable[Outcome]]) -> dict[str, Performer]:
    """The test's work is done by this function."""
    return {KIND: Performer(perform)}


async def at_once(work: Work) -> Outcome:
    """Done, with a result."""
    return Performed(work.effect.generation, (fact(),))


async def told(world: World) -> list[dict[str, str]]:
    """The headers of the messages in the outbox, in order."""
    rows = await world.connection.fetch("SELECT headers FROM outbox ORDER BY id")
    return [dict(orjson.loads(row["headers"])) for row in rows]


async def long(found: Sized, length: int) -> bool:
    """Whether a list has grown to this length."""
    return len(found) >= length
