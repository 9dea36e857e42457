"""A process ends with any of its members: it would do half of its work and look alive."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import cast

import pytest

from fleet.members import Member
from fleet.process import Host

pytestmark = pytest.mark.asyncio


class Work:
    """A member's work that ends in some way."""

    def __init__(self, end: Callable[[], Awaitable[None]]) -> None:
        self._end = end

    async def run(self) -> None:
        await self._end()

    def stop(self) -> None:
        """Nothing to stop."""


async def broken() -> None:
    raise LookupError


async def waits_for_what_is_cancelled() -> None:
    waited = asyncio.create_task(asyncio.sleep(60))
    asyncio.get_running_loop().call_soon(waited.cancel)
    await waited


async def ends() -> None:
    return


def host(*, ready: bool = True) -> tuple[Host, SimpleNamespace]:
    """A host that serves, and its server."""
    found, server = Host(["one"]), SimpleNamespace(should_exit=False)
    found._ready = ready
    found._server = cast("None", server)
    return found, server


@pytest.mark.parametrize("end", [broken, waits_for_what_is_cancelled, ends])
async def test_a_member_that_ends_untold_ends_the_process(end: Callable[[], Awaitable[None]]) -> None:
    found, server = host()
    await found._watch(Member("one", Work(end)))
    assert found.failed
    assert server.should_exit


async def test_a_member_that_was_told_to_stop_may_end() -> None:
    found, server = host(ready=False)
    await found._watch(Member("one", Work(ends)))
    assert not found.failed
    assert not server.should_exit


async def test_a_member_that_is_killed_has_not_failed() -> None:
    found, _ = host(ready=False)
    task = asyncio.create_task(found._watch(Member("one", Work(lambda: asyncio.sleep(60)))))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not found.failed
