"""Connections as PostgreSQL holds them."""

import pytest

from state.postgres.connection import PEER_GONE, connect
from tests.conftest import Stack

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def test_the_server_gives_up_a_host_that_went_without_a_word(stack: Stack) -> None:
    opened = await connect(stack.database_url, name="peer")
    try:
        kept = {name: await opened.fetchval("SELECT current_setting($1)", name) for name in PEER_GONE}
    finally:
        await opened.close()
    assert kept == PEER_GONE
    idle, interval, count = (int(kept[f"tcp_keepalives_{name}"]) for name in ("idle", "interval", "count"))
    assert idle + interval * count <= 30
