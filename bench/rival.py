"""The rival: FastStream as its documentation teaches it, one message = one transaction + one commit.

The effects are ours to the byte: the same codec and handlers, a journal row that stops duplicates, the
account's row lock, the profile, the outbox row; then the offset. `NACK_ON_ERROR` is the policy of FastStream
that loses nothing. A process of its own, told by the environment like the fleet: `python -m bench.rival WORKERS`.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final, cast

import asyncpg
import orjson
import uvloop
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

from bench import rival_sql as sql
from consumers.lane import LANES
from fleet.settings import Settings
from handlers.account import Account
from handlers.accounts import ACCOUNT, AccountRecord
from handlers.decision import Applied, Context
from handlers.payment_method import PAYMENT_METHODS
from handlers.profiles import FIELDS, PROFILE, Profile
from handlers.registry import decide
from state.postgres import outbox, payment_methods
from state.postgres.connection import Connection
from topics.accounts import AccountType
from topics.codec import decode
from topics.message import Envelope, Received, Record
from topics.table import COMMANDS, EVENTS

GROUP: Final = "bench.rival"
COMMAND: Final = LANES["commands"].kinds


class Duplicate(Exception):
    """The command was applied before: its transaction is rolled back and its offset committed."""


async def apply(connection: Connection, received: Received, now: datetime) -> None:
    """One command in one transaction. Raises `Duplicate`."""
    async with connection.transaction():
        account = await _load(connection, received.account_id)
        decision = decide(account, received.message, Context(now, received.envelope.actor, received.id))
        assert isinstance(decision, Applied)
        if profile := decision.changes.get(PROFILE):
            await connection.execute(sql.SAVE, received.account_id, *_profile_row(profile))
        await _record(connection, received, decision, now)
        for number, event in enumerate(decision.events):
            envelope = Envelope(
                id=f"{received.id}/{number}",
                type=event.type,
                account_id=received.account_id,
                actor=received.envelope.actor,
                causation_id=str(received.id),
                traceparent=received.envelope.traceparent,
            )
            await connection.execute(sql.OWE, *outbox.message_row(EVENTS.name, envelope, event))


async def _load(connection: Connection, account_id: str) -> Account:
    locked = await connection.fetchrow(sql.LOCK, account_id)
    found = await connection.fetchrow(sql.LOAD, account_id)
    record, profile = None, None
    if locked is not None:
        kind, flags, version = AccountType(locked["type"]), locked["flags"], locked["version"]
        record = AccountRecord(kind, flags, version, None, locked["created_on"], locked["edited_on"])
    if found is not None:
        fields = {name: found[name] for name in FIELDS}
        profile = Profile(
            fields, found["version"], found["created_on"], found["edited_on"], found["deleted_on"]
        )
    methods = (await payment_methods.load(connection, [account_id])).get(account_id)
    return Account(account_id, {ACCOUNT: record, PROFILE: profile, PAYMENT_METHODS: methods})


def _profile_row(profile: Profile) -> tuple[Any, ...]:
    fields = (profile.fields[name] for name in FIELDS)
    return (*fields, profile.version, profile.created_on, profile.edited_on, profile.deleted_on)


async def _record(connection: Connection, received: Received, decision: Applied, now: datetime) -> None:
    envelope = received.envelope
    recorded = await connection.fetchval(
        sql.RECORD,
        received.id,
        received.account_id,
        envelope.type,
        envelope.actor.id,
        envelope.actor.role.value,
        envelope.actor.surface,
        envelope.causation_id,
        "applied",
        None,
        orjson.dumps(decision.result).decode(),
        (received.record.value or b"").decode(),
        now,
    )
    if recorded is None:
        raise Duplicate


async def understood(message: KafkaMessage) -> Received:
    """A message as our own codec reads it."""
    raw = cast(Any, message.raw_message)
    record = Record(raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, raw.headers)
    (received,) = decode([record], COMMAND)
    assert isinstance(received, Received)
    return received


def application(settings: Settings, workers: int) -> FastStream:
    """The application: one subscriber, a pool with a connection for each of its workers."""
    broker = KafkaBroker(settings.kafka_bootstrap, apply_types=False, decoder=understood, logger=None)
    held: list[Any] = []

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with asyncpg.create_pool(settings.database_url, min_size=workers, max_size=workers) as pool:
            held.append(pool)
            yield

    @broker.subscriber(
        COMMANDS.name,
        group_id=GROUP,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        max_workers=workers,
    )
    async def handle(received: Received) -> None:
        async with held[0].acquire() as connection:
            try:
                await apply(connection, received, datetime.now(UTC))
            except Duplicate:
                return

    return FastStream(broker, lifespan=lifespan, logger=None)


if __name__ == "__main__":
    uvloop.run(application(Settings(), int(sys.argv[1])).run())
