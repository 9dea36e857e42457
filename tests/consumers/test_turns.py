"""Workers of one process take turns until there is work for all."""

import asyncio

import pytest

from consumers.turns import CROWD, Turns


class Watch:
    """Workers that note how many of them work at once."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._working = 0
        self.most = 0
        self.order: list[str] = []

    async def work(self, name: str, waiting: int, until: asyncio.Event | None = None) -> None:
        async with self._turns.turn(waiting):
            self._working += 1
            self.most = max(self.most, self._working)
            self.order.append(name)
            await (until.wait() if until else asyncio.sleep(0))
            self._working -= 1


@pytest.mark.asyncio
async def test_while_little_waits_one_batch_follows_another_in_the_order_of_asking() -> None:
    watch = Watch(Turns())
    await asyncio.gather(*(watch.work(name, CROWD - 1) for name in "abcab"))
    assert watch.most == 1
    assert "".join(watch.order) == "abcab"


@pytest.mark.asyncio
async def test_a_crowd_waits_for_nobody() -> None:
    watch, never = Watch(Turns()), asyncio.Event()
    slow = [asyncio.create_task(watch.work(name, CROWD, never)) for name in "ab"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert watch.most == 2
    never.set()
    await asyncio.gather(*slow)


@pytest.mark.asyncio
async def test_a_batch_that_takes_long_is_not_waited_for_any_more() -> None:
    watch, never = Watch(Turns()), asyncio.Event()
    slow = asyncio.create_task(watch.work("slow", 1, never))
    await asyncio.sleep(0)
    await watch.work("impatient", 1)
    assert watch.order == ["slow", "impatient"]
    assert not slow.done()
    never.set()
    await slow


@pytest.mark.asyncio
async def test_a_turn_is_given_back_after_a_failure() -> None:
    turns = Turns()
    with pytest.raises(RuntimeError):
        async with turns.turn(1):
            raise RuntimeError
    async with asyncio.timeout(5), turns.turn(1):
        pass
