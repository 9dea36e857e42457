"""Billing profile rows, tombstones included, saved as a set."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from handlers.profiles import FIELDS, PROFILE, Profile
from state.postgres.connection import Connection
from state.postgres.payment_methods import Shown, shown_of
from state.postgres.queries import queries
from state.postgres.store import Store, expect_all
from topics.value import value

SQL: Final = queries("profiles")
_values: Final = itemgetter(*FIELDS)


@value
class ShownProfile:
    """A profile, None without one, and what is shown beside it."""

    profile: Profile | None
    account_type: str
    charged_first: Shown


async def load(connection: Connection, ids: Sequence[str]) -> dict[str, Profile]:
    """The profiles of the given accounts; a deleted one has `deleted_on`."""
    return {row["account_id"]: _profile(row) for row in await connection.fetch(SQL.load, ids)}


async def save(connection: Connection, profiles: Mapping[str, Profile]) -> None:
    """Write the profiles. Raises `LostUpdateError` when a newer version is there already."""
    rows = [_row(account_id, profile) for account_id, profile in profiles.items()]
    expect_all("profiles", len(rows), await connection.execute(SQL.save, rows))


async def shown(connection: Connection, account_id: str) -> ShownProfile | None:
    """All that is shown of an account's profile, in one statement. None when there is no such account."""
    row = await connection.fetchrow(SQL.shown, account_id)
    if row is None:
        return None
    profile = _profile(row[3:]) if row["account_id"] else None
    return ShownProfile(profile, row["account_type"], shown_of(row))


def _profile(row: Iterable[Any]) -> Profile:
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
