"""What is told through Redis after a commit."""

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from consumers.batch import Result
from consumers.telling import Telling
from producers.trace import new_id
from state.postgres.journal import Outcome
from state.redis.dedup import Dedup
from state.redis.replies import listen
from tests.consumers.lanes import account_id

ACCOUNT = account_id()


def committed(*ids: UUID, history: str = "one", reply_to: str | None = None) -> Result:
    """A batch that applied these commands."""
    outcomes = (
        tuple((reply_to, Outcome(found, ACCOUNT, "applied", None, None)) for found in ids) if reply_to else ()
    )
    return Result(
        frozenset(), committed=tuple((found, ACCOUNT) for found in ids), outcomes=outcomes, history=history
    )


@pytest.mark.stack
@pytest.mark.asyncio
async def test_ids_of_several_batches_are_remembered_each_under_its_history(redis: Redis) -> None:
    dedup = Dedup(redis)
    telling, (first, second, third) = Telling(redis, dedup), (new_id(), new_id(), new_id())
    telling.tell(committed(first))
    telling.tell(committed(second))
    telling.tell(committed(third, history="two"))
    await telling.told()
    keys = [(found, ACCOUNT) for found in (first, second, third)]
    assert await dedup.seen("one", keys) == set(keys[:2])
    assert await dedup.seen("two", keys) == {keys[2]}


@pytest.mark.stack
@pytest.mark.asyncio
async def test_who_waits_is_woken(redis: Redis) -> None:
    telling, found, channel = Telling(redis, Dedup(redis)), new_id(), f"replies:{account_id()}"
    async with listen(redis, channel) as batches:
        telling.tell(committed(found, reply_to=channel))
        async for outcomes in batches:
            assert [outcome.command_id for outcome in outcomes] == [found]
            break
    await telling.told()


class Refusing:
    """A Redis that cannot be reached."""

    def pipeline(self, **_: Any) -> Callable[..., Any]:
        raise RedisConnectionError


@pytest.mark.asyncio
async def test_a_redis_that_is_away_harms_nobody() -> None:
    redis = cast(Redis, Refusing())
    telling = Telling(redis, Dedup(redis))
    telling.tell(committed(new_id(), reply_to="somebody"))
    await telling.told()
