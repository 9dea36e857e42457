"""The load generator against a server of a few lines."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bench.load import Answers, steady

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@asynccontextmanager
async def server(
    answer: Callable[[int], Awaitable[bytes | None]], *, last: int = 0
) -> AsyncIterator[tuple[str, int]]:
    """Answers the n-th request with `answer(n)`, in two pieces; None hangs up, and so does the `last` answer."""
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                count += 1
                number = count
                found = await answer(number)
                if found is None:
                    break
                writer.write(found[:20])
                await writer.drain()
                await asyncio.sleep(0)
                writer.write(found[20:])
                if number == last:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()


async def asked(
    address: tuple[str, int], count: int, *, connections: int = 4, patience: float = 5, warm_up: float = 0
) -> Answers:
    requests = [REQUEST] * count
    return await steady(
        requests,
        addresses=[address],
        per_second=500,
        connections=connections,
        warm_up=warm_up,
        patience=patience,
    )


@pytest.mark.asyncio
async def test_every_request_is_answered_once() -> None:
    async def answer(_: int) -> bytes:
        return OK

    async with server(answer) as address:
        answers = await asked(address, 60)
    assert answers.sent == 60
    assert {status: len(found) for status, found in answers.seconds.items()} == {200: 60}


@pytest.mark.asyncio
async def test_a_connection_that_was_closed_while_nothing_was_asked_is_left_out() -> None:
    async def answer(_: int) -> bytes:
        return OK

    async with server(answer, last=1) as address:
        answers = await asked(address, 20, connections=2)
    assert {status: len(found) for status, found in answers.seconds.items()} == {200: 20}


@pytest.mark.asyncio
async def test_who_should_have_been_sent_during_a_stall_is_charged_for_it() -> None:
    released = asyncio.Event()

    async def answer(number: int) -> bytes:
        if number == 1:
            await released.wait()
        return OK

    async with server(answer) as address:
        asking = asyncio.create_task(asked(address, 50, connections=1))
        await asyncio.sleep(0.3)
        released.set()
        answers = await asking
    assert answers.late == 49
    # The last was due 0.098 s after the first: even it waited for most of the stall.
    assert min(answers.seconds[200]) > 0.1


@pytest.mark.asyncio
async def test_a_broken_connection_is_no_answer() -> None:
    async def answer(number: int) -> bytes | None:
        return None if number == 3 else OK

    async with server(answer) as address:
        answers = await asked(address, 20)
    assert {status: len(found) for status, found in answers.seconds.items()} == {0: 1, 200: 19}


@pytest.mark.asyncio
async def test_statuses_are_told_apart() -> None:
    async def answer(number: int) -> bytes:
        return OK if number % 2 else b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"

    async with server(answer) as address:
        answers = await asked(address, 20)
    assert {status: len(found) for status, found in answers.seconds.items()} == {200: 10, 503: 10}


@pytest.mark.asyncio
async def test_requests_of_the_warm_up_are_not_counted() -> None:
    async def answer(_: int) -> bytes:
        return OK

    async with server(answer) as address:
        answers = await asked(address, 100, warm_up=0.1)
    assert answers.sent == 50
    assert len(answers.seconds[200]) == 50
