"""Waiting until the servers have done what former stages left: a figure of the quiet is measured in the quiet."""

import asyncio
import os
import time
from typing import Final

from bench.show import Show
from state.postgres.connection import Connection

WRITING_SECONDS: Final = 300.0
EVERY_SECONDS: Final = 0.5
IN_A_ROW: Final = 6
"""Quiet looks before it counts as quiet: autovacuum goes from table to table, with a pause between."""

_BUSY: Final = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker') AS "autovacuum workers",
       (SELECT count(*) FROM pg_stat_progress_vacuum) AS "vacuums",
       (SELECT count(*) FROM pg_stat_activity
        WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()) AS "statements",
       (SELECT count(*) FROM (SELECT FROM outbox LIMIT 1) AS one) AS "messages in the outbox",
       (SELECT count(*) FROM (SELECT FROM effects WHERE state = 'open' LIMIT 1) AS one) AS "open effects"
"""
"""Of all databases of the server, but for what is owed, which is this one's."""


async def wait_for_quiet(connection: Connection, show: Show, stage: str, *, limit: float) -> float | None:
    """Write out what is dirty, then wait. Gives the seconds, None when it was not quiet within `limit` of them."""
    began = time.monotonic()
    show.step(f"{stage}: writing out what was changed")
    await connection.execute("CHECKPOINT", timeout=WRITING_SECONDS)
    await asyncio.to_thread(
        os.sync
    )  # Kafka's log and the files of dropped databases are nobody's checkpoint.
    quiet, told = 0, ""
    while quiet < IN_A_ROW:
        busy = await _busy(connection)
        quiet = 0 if busy else quiet + 1
        if busy and busy != told:
            show.step(f"{stage}: waiting for {busy}")
            told = busy
        if time.monotonic() - began > limit:
            show.step(f"{stage}: not quiet within {limit:.0f} s: {told}")
            return None
        await asyncio.sleep(EVERY_SECONDS)
    return time.monotonic() - began


async def _busy(connection: Connection) -> str:
    """What goes on, in words; empty when nothing does."""
    row = await connection.fetchrow(_BUSY)
    assert row is not None, "it counts, so there is always a row"
    return ", ".join(name for name, count in row.items() if count)
