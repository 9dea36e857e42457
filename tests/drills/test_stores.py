"""PostgreSQL, Redis and Kafka go away, come back, get slow, and lose an answer."""

import asyncio
from pathlib import Path

import pytest

from tests.drills.arena import Arena, arena
from tests.drills.breakages import cut_redis
from tests.drills.servers import Servers, until_postgres_answers

pytestmark = [pytest.mark.asyncio, pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(600)]


async def start(drill: Arena, *, through_proxy: bool = False) -> None:
    """A small fleet, and accounts to work on."""
    drill.worker("commands", "commands", through_proxy=through_proxy)
    drill.worker("others", "bulk", "facts", "relay", through_proxy=through_proxy)
    await drill.fleet.ready()
    await drill.register()


async def test_redis_is_flushed_stopped_slow_and_cut_off(
    drill_servers: Servers, folder: Path, seed: int
) -> None:
    async with arena(drill_servers, folder, seed, 2000) as drill:
        await start(drill)
        await drill.publish(300)
        await drill_servers.forget_redis()
        await drill.publish(300)
        await drill_servers.faults.stop("redis", immediate=True)
        await drill.publish(300, pause=0.2)
        await drill_servers.faults.start("redis")
        for latency in (0.1, 0.6):
            drill_servers.redis_proxy.latency = latency
            await drill.publish(300, pause=0.2)
        drill_servers.redis_proxy.latency = 0.0
        await drill.publish_during(cut_redis(drill))
        await drill.publish_rest()
        await drill.judge()


async def test_postgres_is_restarted_as_by_a_crash(drill_servers: Servers, folder: Path, seed: int) -> None:
    async with arena(drill_servers, folder, seed, 2000) as drill:
        await start(drill)
        for _ in range(3):
            await drill.publish_during(asyncio.sleep(0.5))
            await drill.publish_during(drill_servers.faults.restart("postgres", immediate=True))
        await drill.publish_rest()
        await until_postgres_answers(drill.dsn)
        await drill.judge()


async def test_the_answer_to_a_commit_is_lost(drill_servers: Servers, folder: Path, seed: int) -> None:
    async with arena(drill_servers, folder, seed, 2000) as drill:
        await start(drill, through_proxy=True)
        for _ in range(6):
            lost = drill_servers.postgres_proxy.drop_reply_to(lambda said: b"COMMIT" in said)
            await drill.publish_until(lost.is_set)
        await drill.publish_rest()
        await drill.judge()
        assert drill.fleet.total("billing_fence_rejections_total") > 0


async def test_kafka_is_restarted_in_order_and_as_by_a_crash(
    drill_servers: Servers, folder: Path, seed: int
) -> None:
    async with arena(drill_servers, folder, seed, 2000) as drill:
        await start(drill)
        for immediate in (False, True):
            await drill.publish_during(asyncio.sleep(0.5))
            await drill.publish_during(drill_servers.faults.restart("kafka", immediate=immediate))
            await drill_servers.until_kafka_serves()
        await drill.publish_rest()
        await drill.judge()
