"""What a run left behind, as seen from outside: records on Kafka, rows in PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition

from handlers.accounts import AccountRecord
from handlers.profiles import Profile
from handlers.stripe_customers import StripeCustomer
from state.postgres import accounts, profiles, stripe_customers
from state.postgres.connection import Connection
from state.postgres.journal import Entry
from topics.message import Record
from topics.table import ACCOUNT_PARTITIONS, DEAD_LETTERS, EVENTS, LANES

_JOURNAL = """
SELECT command_id, account_id, type, lane, actor, actor_role, surface, causation_id,
       outcome, code, answer, body, decided_at
FROM journal
WHERE account_id = ANY($1::text[])
"""


@dataclass(slots=True)
class PartitionEvidence:
    """The accounts of one partition: it has the same number on every account-keyed topic.

    `journal` has all rows of each account, in no order. `accounts`, `profiles` and `customers` have only
    the accounts with such a row.
    """

    partition: int
    lanes: Mapping[str, Sequence[Record]]
    events: Sequence[Record]
    journal: dict[str, list[Entry]] = field(default_factory=dict)
    accounts: dict[str, AccountRecord] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    customers: dict[str, StripeCustomer] = field(default_factory=dict)

    @property
    def account_ids(self) -> list[str]:
        """Every account that a record names as its key."""
        keys = {record.key for records in (*self.lanes.values(), self.events) for record in records}
        return sorted(key.decode(errors="replace") for key in keys if key)


@dataclass(frozen=True, slots=True)
class RestEvidence:
    """How the stores look once all is quiet. Cursors and ends are by topic and partition."""

    cursors: Mapping[tuple[str, int], int]
    ends: Mapping[tuple[str, int], int]
    journal_rows: int
    outbox_rows: int
    parked_commands: int
    parked_accounts: int
    unfinished_effects: Sequence[str]


class KafkaReader:
    """Reads whole partitions, as nobody's group. An async context manager."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4 * 1024 * 1024,
            fetch_max_wait_ms=50,
        )

    async def __aenter__(self) -> "KafkaReader":
        try:
            await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def ends(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        """The next offset of every partition of the topics."""
        tps = [TopicPartition(topic, p) for topic in topics for p in range(ACCOUNT_PARTITIONS)]
        found = await self._consumer.end_offsets(tps)
        return {(tp.topic, tp.partition): offset for tp, offset in found.items()}

    async def read(self, topic: str, partition: int, *, last: int | None = None) -> list[Record]:
        """Everything in a partition up to its end as of now, or the last records of it."""
        tp = TopicPartition(topic, partition)
        self._consumer.assign([tp])
        first = (await self._consumer.beginning_offsets([tp]))[tp]
        end = (await self._consumer.end_offsets([tp]))[tp]
        first = max(first, end - last) if last else first
        self._consumer.seek(tp, first)
        records: list[Record] = []
        while first + len(records) < end:
            found = await self._consumer.getmany(tp, timeout_ms=1000, max_records=5000)
            records.extend(
                Record(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)
                for r in found.get(tp, ())
            )
        return records


async def of_partition(kafka: KafkaReader, connection: Connection, partition: int) -> PartitionEvidence:
    """Everything about the accounts of one partition."""
    lanes = {lane: await kafka.read(topic.name, partition) for lane, topic in LANES.items()}
    found = PartitionEvidence(partition, lanes, await kafka.read(EVENTS.name, partition))
    ids = [account_id for account_id in found.account_ids if "\0" not in account_id]
    for row in await connection.fetch(_JOURNAL, ids):
        found.journal.setdefault(row["account_id"], []).append(Entry(**row))
    found.accounts = await accounts.load(connection, ids)
    found.profiles = await profiles.load(connection, ids)
    found.customers = await stripe_customers.load(connection, ids)
    return found


async def dead_letters(kafka: KafkaReader) -> list[Record]:
    """All dead letters."""
    return [
        record
        for partition in range(ACCOUNT_PARTITIONS)
        for record in await kafka.read(DEAD_LETTERS.name, partition)
    ]


async def at_rest(kafka: KafkaReader, connection: Connection) -> RestEvidence:
    """How the stores look now."""
    ends = await kafka.ends([topic.name for topic in LANES.values()])
    count = connection.fetchval
    cursors = await connection.fetch("SELECT topic, partition, next_offset FROM cursors")
    unfinished = await connection.fetch(
        "SELECT account_id, kind, state, attempts, last_error FROM effects WHERE state <> 'done' LIMIT 20"
    )
    return RestEvidence(
        cursors={(row["topic"], row["partition"]): row["next_offset"] for row in cursors},
        ends=ends,
        journal_rows=await count("SELECT count(*) FROM journal"),
        outbox_rows=await count("SELECT count(*) FROM outbox"),
        parked_commands=await count("SELECT count(*) FROM parked_commands"),
        parked_accounts=await count("SELECT count(*) FROM accounts WHERE parked_since IS NOT NULL"),
        unfinished_effects=[
            f"{row['kind']} of {row['account_id']} is {row['state']} after {row['attempts']} attempts: "
            f"{row['last_error']}"
            for row in unfinished
        ],
    )
