"""Billing profile rows, tombstones included, saved as a set."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from handlers.profiles import FIELDS, PROFILE, Profile
from state.postgres.connection import Connection, Row
from state.postgres.queries import queries
from state.postgres.store import Store, expect_all

SQL: Final = queries("profiles")
_values: Final = itemgetter(*FIELDS)


async def load(connection: Connection, ids: Sequence[str]) -> dict[str, Profile]:
    """The profiles of the given accounts; a deleted one has `deleted_on`."""
    return {row["account_id"]: _profile(row) for row in await connection.fetch(SQL.load, ids)}


async def save(connection: Connection, profiles: Mapping[str, Profile]) -> None:
    """Write the profiles. Raises `LostUpdateError` when a newer version is there already."""
    rows = [_row(account_id, profile) for account_id, profile in profiles.items()]
    expect_all("profiles", len(rows), await connection.execute(SQL.save, rows))


def _profile(row: Row) -> Profile:
    """By position, in the order of the statement: a look-up by name for each column costs four times as much."""
    _, *fields, version, created_on, edited_on, deleted_on = row
    return Profile(dict(zip(FIELDS, fields, strict=True)), version, created_on, edited_on, deleted_on)


def _row(account_id: str, profile: Profile) -> tuple[Any, ...]:
    return (
        account_id,
        *_values(profile.fields),
        profile.version,
        profile.created_on,
        profile.edited_on,
        profile.deleted_on,
    )


STORE: Final = Store(PROFILE, load, save)
