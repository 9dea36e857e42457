"""The fault proxy before a small server that answers each line with the same line."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.local.proxy import FaultProxy


class Echo:
    """Answers each line; remembers all it received."""

    def __init__(self) -> None:
        self.received = b""
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(1024):
                self.received += piece
                if piece.endswith(b"\n"):
                    writer.write(piece)
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest_asyncio.fixture
async def echo() -> AsyncIterator[Echo]:
    server = Echo()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    yield server
    listener.close()


@pytest_asyncio.fixture
async def proxy(echo: Echo) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(echo.port) as running:
        yield running


class Client:
    """One connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, proxy: FaultProxy) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    async def ask(self, line: bytes) -> bytes:
        self.writer.write(line)
        async with asyncio.timeout(10):
            return await self.reader.readline()


@pytest_asyncio.fixture
async def client(proxy: FaultProxy) -> AsyncIterator[Client]:
    connected = await Client.of(proxy)
    yield connected
    connected.writer.close()


@pytest.mark.asyncio
async def test_without_a_fault_everything_passes(client: Client) -> None:
    assert await client.ask(b"hello\n") == b"hello\n"
    assert await client.ask(b"again\n") == b"again\n"


@pytest.mark.asyncio
async def test_latency_delays_both_directions(
    client: Client, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("sandbox.local.proxy.asyncio.sleep", sleep)
    proxy.latency = 0.2
    assert await client.ask(b"hello\n") == b"hello\n"
    assert slept == [0.2, 0.2]


@pytest.mark.asyncio
async def test_a_black_hole_holds_everything_until_it_ends(
    client: Client, proxy: FaultProxy, echo: Echo
) -> None:
    await client.ask(b"before\n")
    proxy.blackhole()
    held = asyncio.create_task(client.ask(b"held\n"))
    newcomer = await Client.of(proxy)
    newcomer.writer.write(b"new\n")
    await asyncio.sleep(0.1)
    assert not held.done()
    assert echo.received == b"before\n"
    proxy.flow()
    assert await held == b"held\n"
    assert await newcomer.ask(b"") == b"new\n"
    newcomer.writer.close()


@pytest.mark.asyncio
async def test_reset_all_breaks_every_connection_and_lets_new_ones_in(
    client: Client, proxy: FaultProxy
) -> None:
    await client.ask(b"hello\n")
    proxy.reset_all()
    with pytest.raises(ConnectionResetError):
        await client.ask(b"anyone?\n")
    newcomer = await Client.of(proxy)
    assert await newcomer.ask(b"hello\n") == b"hello\n"
    newcomer.writer.close()


@pytest.mark.asyncio
async def test_a_dropped_reply_leaves_the_request_done_and_the_client_in_doubt(
    client: Client, proxy: FaultProxy, echo: Echo
) -> None:
    dropped = proxy.drop_reply_to(lambda sent: b"COMMIT" in sent)
    assert await client.ask(b"INSERT\n") == b"INSERT\n"
    assert not dropped.is_set()
    with pytest.raises(ConnectionResetError):
        await client.ask(b"COMMIT\n")
    assert dropped.is_set()
    assert echo.received == b"INSERT\nCOMMIT\n"
    newcomer = await Client.of(proxy)
    assert await newcomer.ask(b"COMMIT\n") == b"COMMIT\n"
    newcomer.writer.close()


@pytest.mark.asyncio
async def test_a_request_in_two_pieces_is_recognised(client: Client, proxy: FaultProxy, echo: Echo) -> None:
    proxy.drop_reply_to(lambda sent: b"COMMIT" in sent)
    client.writer.write(b"COM")
    while echo.received != b"COM":
        await asyncio.sleep(0.01)
    with pytest.raises(ConnectionResetError):
        await client.ask(b"MIT\n")


@pytest.mark.asyncio
async def test_what_was_sent_before_does_not_count(client: Client, proxy: FaultProxy) -> None:
    proxy.drop_reply_to(lambda sent: b"NEVER" in sent)
    assert await client.ask(b"COMMIT\n") == b"COMMIT\n"
    dropped = proxy.drop_reply_to(lambda sent: b"COMMIT" in sent)
    assert await client.ask(b"SELECT\n") == b"SELECT\n"
    assert not dropped.is_set()


@pytest.mark.asyncio
async def test_a_cut_after_some_bytes_leaves_the_server_with_exactly_those(
    client: Client, proxy: FaultProxy, echo: Echo
) -> None:
    broken = proxy.cut_after(10)
    assert await client.ask(b"12345\n") == b"12345\n"
    with pytest.raises(ConnectionResetError):
        await client.ask(b"6789abcdef\n")
    assert broken.is_set()
    assert echo.received == b"12345\n6789"


@pytest.mark.asyncio
async def test_a_server_that_is_away_is_a_broken_connection() -> None:
    async with FaultProxy(1) as nowhere:
        lost = await Client.of(nowhere)
        with pytest.raises(ConnectionResetError):
            await lost.ask(b"hello\n")
        lost.writer.close()
