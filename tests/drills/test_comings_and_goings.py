"""Workers join and leave, and producers say everything twice."""

from pathlib import Path

import pytest

from tests.drills.arena import arena
from tests.drills.servers import Servers

pytestmark = [pytest.mark.asyncio, pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(600)]


async def test_two_then_three_workers_join_and_leave(drill_servers: Servers, folder: Path, seed: int) -> None:
    async with arena(drill_servers, folder, seed, 3000) as drill:
        first = drill.worker("first", "commands", "bulk", "facts", "relay")
        await drill.fleet.ready()
        await drill.register()
        second = drill.worker("second", "commands", "bulk", "facts", "relay")
        await drill.publish_during(second.ready())
        third = drill.worker("third", "commands", "bulk", "facts", "relay")
        await drill.publish_during(third.ready())
        await drill.publish_during(first.stop())
        await drill.publish(300)
        await drill.publish_during(third.stop())
        await drill.publish_rest()
        await drill.judge()


async def test_the_whole_input_is_produced_again(drill_servers: Servers, folder: Path, seed: int) -> None:
    async with arena(drill_servers, folder, seed, 1500) as drill:
        drill.worker("lanes", "commands", "bulk", "facts")
        drill.worker("relay", "relay")
        await drill.fleet.ready()
        await drill.register()
        await drill.publish_rest()
        await drill.quiet()
        records = await drill.input()
        await drill.producer.publish_again(records[: len(records) // 2])
        await drill.servers.forget_redis()
        await drill.producer.publish_again(records[len(records) // 2 :])
        findings = await drill.judge()
        assert findings.duplicates > findings.messages
