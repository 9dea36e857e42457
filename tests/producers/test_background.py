"""Work beside the requests goes on whatever it raises, and ends when it is told to."""

import asyncio

import pytest

from producers.http import background
from producers.http.background import kept_up

pytestmark = pytest.mark.asyncio


async def test_work_is_begun_again_whatever_ended_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_AGAIN_AFTER", 0)
    endings: list[BaseException | None] = [None, asyncio.CancelledError(), RuntimeError("a defect")]
    at_work, stopped = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        if endings:
            if ended := endings.pop():
                raise ended
            return
        at_work.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with kept_up(work, surface="test"):
        async with asyncio.timeout(10):
            await at_work.wait()
        assert not stopped.is_set()
    assert stopped.is_set()


async def test_work_that_loses_a_cancellation_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_CANCEL_AGAIN", 0.01)
    lost: list[bool] = []
    at_work = asyncio.Event()

    async def work() -> None:
        at_work.set()
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if lost:
                    raise
                lost.append(True)

    async with asyncio.timeout(10):
        async with kept_up(work, surface="test"):
            await at_work.wait()
    assert lost == [True]
