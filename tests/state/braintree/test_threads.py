"""A call to Braintree is checked when its thread is free, ends in time, and keeps the thread until it really ends."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest

from state.braintree.client import Braintree, Caller, Credentials
from state.braintree.vault import find
from state.redis.budget import Budget, Priority
from state.stripe.answers import Answer, Done, Limited, Refused, Unknown
from state.stripe.breaker import Breaker
from tests.state.braintree.test_client import Noting

pytestmark = pytest.mark.asyncio
SHORT = 0.3
FAR_TOO_LONG = 20
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Trickling:
    """A gateway whose answers never end, a byte at a time, until it is `over`; from then on nothing is found."""

    def __init__(self) -> None:
        self.over, self.asked = asyncio.Event(), 0
        self._answering = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._answering += 1
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        if self.over.is_set():
            writer.write(MISSING)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not self.over.is_set():
            writer.write(b" ")
            await asyncio.sleep(SHORT / 10)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self._answering -= 1

    async def end(self) -> None:
        """End the answers."""
        self.over.set()
        while self._answering:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def braintree_at(
    where: str, *, timeout: float = 10, breaker: Breaker | None = None
) -> AsyncIterator[Braintree]:
    keys = Credentials("merchant", "public", "private", where)
    budget, breaker = cast(Budget, Noting()), breaker or Breaker()
    braintree = Braintree(keys, budget=budget, breaker=breaker, timeout=timeout, threads=1)
    try:
        yield braintree
    finally:
        await braintree.close()


@asynccontextmanager
async def trickling() -> AsyncIterator[tuple[Trickling, str]]:
    gateway = Trickling()
    server = await asyncio.start_server(gateway.answer, "127.0.0.1", 0)
    async with server:
        yield gateway, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await gateway.end()


def customer(braintree: Braintree) -> Caller:
    return Caller(braintree, Priority.CUSTOMER, lambda: None)


async def until_it_has_a_thread(caller: Caller) -> Answer[Any]:
    async with asyncio.timeout(FAR_TOO_LONG):
        while isinstance(answer := await find(caller, "token"), Limited):
            await asyncio.sleep(0.01)
    return answer


async def test_the_last_check_before_sending_is_made_when_a_thread_is_free() -> None:
    happened: list[str] = []
    under_way, go_on = threading.Event(), threading.Event()

    def slow(_gateway: Any) -> None:
        under_way.set()
        go_on.wait(FAR_TOO_LONG)
        happened.append("the call before ended")

    async with braintree_at("sandbox") as braintree:
        first = asyncio.create_task(customer(braintree).call("GET /slow", slow))
        await asyncio.to_thread(under_way.wait, FAR_TOO_LONG)
        caller = Caller(braintree, Priority.CUSTOMER, lambda: happened.append("checked"))
        second = asyncio.create_task(caller.call("GET /next", lambda _: happened.append("sent")))
        await asyncio.sleep(0.05)
        go_on.set()
        assert isinstance(await second, Done)
        await first
    assert happened == ["the call before ended", "checked", "sent"]


async def test_an_answer_that_trickles_in_is_given_up_in_time_and_counts_as_a_failure() -> None:
    breaker = Breaker(failures=1)
    async with trickling() as (gateway, url), braintree_at(url, timeout=SHORT, breaker=breaker) as braintree:
        async with asyncio.timeout(FAR_TOO_LONG):
            answer = await find(customer(braintree), "token")
        await gateway.end()
    assert answer == Unknown("Braintree: timeout")
    assert breaker.held_for() > 0


async def test_a_call_that_was_given_up_keeps_its_thread_until_it_ends() -> None:
    async with trickling() as (gateway, url), braintree_at(url, timeout=SHORT) as braintree:
        assert isinstance(await find(customer(braintree), "token"), Unknown)
        assert isinstance(await find(customer(braintree), "token"), Limited)
        assert gateway.asked == 1
        gateway.over.set()
        answer = await until_it_has_a_thread(customer(braintree))
        assert isinstance(answer, Refused)
        assert answer.missing


async def test_what_a_given_up_call_raises_in_the_end_bothers_nobody() -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with trickling() as (gateway, url), braintree_at(url, timeout=SHORT) as braintree:
        assert isinstance(await find(customer(braintree), "token"), Unknown)
        gateway.over.set()
        await until_it_has_a_thread(customer(braintree))
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


async def test_closing_waits_no_longer_than_a_timeout_for_a_call_that_does_not_end() -> None:
    async with trickling() as (gateway, url):
        async with asyncio.timeout(FAR_TOO_LONG), braintree_at(url, timeout=SHORT) as braintree:
            assert isinstance(await find(customer(braintree), "token"), Unknown)
        assert gateway.asked == 1


async def test_a_check_that_holds_the_call_back_leaves_the_thread_free() -> None:
    class LeaseLostError(Exception):
        pass

    def lost() -> None:
        raise LeaseLostError

    async with braintree_at("sandbox") as braintree:
        with pytest.raises(LeaseLostError):
            await Caller(braintree, Priority.CUSTOMER, lost).call("GET /x", lambda _: None)
        assert isinstance(await customer(braintree).call("GET /x", lambda _: None), Done)
