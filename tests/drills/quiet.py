"""Waiting until there is nothing left to do, and saying what is left if that never comes."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from consumers.reconciler import GROUP as RECONCILER
from consumers.webhooks import GROUP as WEBHOOKS
from state.postgres.connection import STORE_DOWN, connect
from tests.drills.evidence import KafkaReader
from topics.table import ACCOUNT_PARTITIONS, BRAINTREE_WEBHOOKS, EVENTS, LANES, STRIPE_WEBHOOKS

PATIENCE: Final = 180.0
"""Seconds without any change after which it is not going to be quiet."""
TWICE: Final = 2
PAUSE: Final = 0.25

Outstanding = dict[str, int]
"""What is left, by name."""
Groups = Mapping[str, Sequence[str]]
"""Consumer groups that tell their offsets to Kafka alone, and the topics that each of them reads."""
OF_EVENTS: Final[Groups] = {RECONCILER: (EVENTS.name,)}
OF_WEBHOOKS: Final[Groups] = {WEBHOOKS: (STRIPE_WEBHOOKS.name, BRAINTREE_WEBHOOKS.name)}
_READY: Final = """
SELECT count(*) FROM waiting_webhooks
WHERE EXISTS (SELECT FROM stripe_customers WHERE customer_id = owner_key)
   OR EXISTS (SELECT FROM accounts WHERE id = owner_key)
"""


class NeverQuietError(Exception):
    """Something is left and does not change any more."""

    def __init__(self, outstanding: Outstanding) -> None:
        left = ", ".join(f"{name}: {number}" for name, number in outstanding.items())
        super().__init__(f"nothing moved for {PATIENCE:.0f} s, and this is left: {left}")
        self.outstanding = outstanding


async def until_quiet(dsn: str, bootstrap: str, *, groups: Groups) -> None:
    """Return when nothing was left twice in a row. Raises `NeverQuietError`."""
    before: Outstanding | None = None
    changed, quiet = time.monotonic(), 0
    while quiet < TWICE:
        found = await outstanding(dsn, bootstrap, groups=groups)
        quiet = 0 if found else quiet + 1
        if found != before:
            before, changed = found, time.monotonic()
        elif found and time.monotonic() - changed > PATIENCE:
            raise NeverQuietError(found)
        await asyncio.sleep(PAUSE)


async def outstanding(dsn: str, bootstrap: str, *, groups: Groups) -> Outstanding:
    """What is left to do as of now; servers that do not answer count as something left."""
    topics = [name for names in groups.values() for name in names]
    try:
        async with KafkaReader(bootstrap) as kafka:
            ends = await kafka.ends([*(topic.name for topic in LANES.values()), *topics])
        committed = await _committed(bootstrap, groups)
        left = await _in_postgres(dsn, ends)
    except (*STORE_DOWN, KafkaError) as error:
        return {f"servers do not answer ({type(error).__name__})": 1}
    for name in topics:
        behind = [ends[name, p] - committed.get((name, p), 0) for p in range(ACCOUNT_PARTITIONS)]
        left[f"records behind on {name}"] = sum(behind)
    return {name: number for name, number in left.items() if number}


async def _in_postgres(dsn: str, ends: dict[tuple[str, int], int]) -> Outstanding:
    connection = await connect(dsn, name="drill-quiet")
    try:
        rows = await connection.fetch("SELECT topic, partition, next_offset FROM cursors")
        cursors = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        left = {
            f"records behind {lane}": sum(
                ends[topic.name, p] - cursors.get((topic.name, p), 0) for p in range(ACCOUNT_PARTITIONS)
            )
            for lane, topic in LANES.items()
        }
        left["outbox rows"] = await connection.fetchval("SELECT count(*) FROM outbox")
        left["open effects"] = await connection.fetchval("SELECT count(*) FROM effects WHERE state = 'open'")
        left["webhooks of known customers"] = await connection.fetchval(_READY)
    finally:
        await connection.close(timeout=2)
    return left


async def _committed(bootstrap: str, groups: Groups) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    if not groups:
        return found
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        for group in groups:
            offsets = await admin.list_consumer_group_offsets(group)
            found |= {(tp.topic, tp.partition): meta.offset for tp, meta in offsets.items()}
    finally:
        await admin.close()
    return found
