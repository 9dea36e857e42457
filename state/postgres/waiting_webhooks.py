"""Webhooks of customers that no account is linked to (yet), and whose customer is whose."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import orjson

from state.postgres.connection import Connection, Row
from state.postgres.queries import queries
from topics.message import Record

SQL: Final = queries("waiting_webhooks")

WaitingRow = tuple[Any, ...]
"""source, event id, type, the processor's customer id, and the record."""


async def holders(connection: Connection, customer_ids: Sequence[str]) -> dict[str, list[str]]:
    """The accounts of each of these customers of any processor, in id order; several are merged on it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in await connection.fetch(SQL.holders, customer_ids):
        found[row["customer_id"]].append(row["account_id"])
    return found


async def payers(connection: Connection, tokens: Sequence[str]) -> dict[str, list[str]]:
    """The accounts that pay with each of these tokens of Braintree's vault, in id order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in await connection.fetch(SQL.payers, tokens):
        found[row["token"]].append(row["account_id"])
    return found


async def owners(connection: Connection, object_ids: Sequence[str]) -> dict[str, list[str]]:
    """The accounts that know each of these objects of Stripe, in id order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in await connection.fetch(SQL.owners, object_ids):
        found[row["object_id"]].append(row["account_id"])
    return found


def row(source: str, event_id: str, kind: str, customer_id: str, record: Record) -> WaitingRow:
    """A webhook that has to wait."""
    headers = [(name, (value or b"").decode(errors="backslashreplace")) for name, value in record.headers]
    return (
        source,
        event_id,
        kind,
        customer_id,
        record.value or b"",
        orjson.dumps(headers).decode(),
        record.topic,
        record.partition,
        record.offset,
        record.timestamp_ms,
    )


async def wait(connection: Connection, rows: Sequence[WaitingRow]) -> None:
    """Keep these until their customer has an account."""
    await connection.execute(SQL.wait, rows)


async def take(connection: Connection, *, patience: timedelta, limit: int) -> list[Record]:
    """Records whose customer has an account by now or that waited longer than `patience`.

    They are gone with the transaction that this stands in.
    """
    return [_record(found) for found in await connection.fetch(SQL.take, patience, limit)]


async def backlog(connection: Connection) -> dict[str, tuple[int, float]]:
    """How many wait for each processor, and for how many seconds the oldest has."""
    return {
        found["source"]: (found["depth"], found["oldest"]) for found in await connection.fetch(SQL.backlog)
    }


def _record(found: Row) -> Record:
    headers = tuple((name, value.encode()) for name, value in orjson.loads(found["headers"]))
    return Record(
        found["topic"],
        found["partition"],
        found["record_offset"],
        found["timestamp_ms"],
        found["owner_key"].encode(),
        found["body"],
        headers,
    )
