"""The migrations of PayPal methods as they are kept, and which of their references are alive meanwhile."""

import hashlib
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from handlers.account import Account, Part
from handlers.decision import EffectRequest
from topics.payment_methods import MethodDetails
from topics.paypal_migrations import Brokenness, MigrationState, PayPalMigrationMoved
from topics.value import value

MIGRATE: Final = "braintree.migrate_paypal"
TARGET: Final = "paypal_migration"
"""A target of its own: a batch that was stopped must not hold up what a customer waits for at Braintree."""
OVER: Final = frozenset(
    {
        MigrationState.SOUND,
        MigrationState.OLD_REVOKED,
        MigrationState.ROLLED_BACK,
        MigrationState.FAILED,
    }
)
TAKEN_BACK: Final = frozenset({MigrationState.ROLLED_BACK, MigrationState.FAILED})
"""Where what was made on the way is not wanted any more."""
UNCHANGED: Final = frozenset({MigrationState.SOUND, MigrationState.FAILED})
"""Where the method is as it was, and nobody took anything back."""
REVOKED: Final = "Its payer revoked the agreement at PayPal."
"""Why a migration fails whose method ends by it. A dry run leaves that to the run after it."""
_NONCE: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(tokencc|fake)[-_].*", re.ASCII)


@value
class Migration:
    """How far one method has come in one batch. `old` is what it was charged by before, `new` what by afterwards.

    `source` is the agreement as the vault showed it; `awaited`: Braintree has yet to import it under `new`.
    `in_vault`: the old reference is a token in the vault, to go back to and to be let go in the end. `turning`: the
    way back begins with a method that is charged by `new`. `why` says what went wrong, `asked_back` that somebody
    took it back.
    """

    method_id: str
    batch: str
    dry_run: bool
    state: MigrationState
    old: MethodDetails
    version: int
    began_on: datetime
    edited_on: datetime
    broken: Brokenness | None = None
    source: MethodDetails | None = None
    new: str | None = None
    awaited: bool = False
    in_vault: bool = True
    switched_on: datetime | None = None
    charged: bool = False
    turning: bool = False
    why: str | None = None
    asked_back: bool = False

    @property
    def made(self) -> bool:
        """Whether the new reference was made for this, so that a way back lets it go."""
        kept = (self.source.reference if self.source else None, self.old.reference)
        return self.new is not None and self.new not in kept

    @property
    def over(self) -> bool:
        """Nothing more is to be done: also for a dry run, and for what keeps the one reference it had."""
        if self.state is MigrationState.FOUND:
            return self.dry_run
        return self.state in OVER or (
            self.state is MigrationState.SWITCHED and self.new == self.old.reference
        )

    @property
    def waits(self) -> bool:
        """Whether the next step is somebody else's: Braintree's import, or the first payment."""
        return self.awaited or (self.state is MigrationState.SWITCHED and not self.over)

    @property
    def references(self) -> frozenset[str]:
        """The tokens that it accounts for in the vault."""
        return frozenset(filter(None, (self.old.reference, self.new)))


@value
class Migrations:
    """An account's migrations by method and batch: each batch has its own. `touched` changed since they were loaded."""

    rows: Mapping[tuple[str, str], Migration]
    touched: frozenset[tuple[str, str]] = frozenset()

    def put(self, *migrations: Migration) -> "Migrations":
        """With these in the place of their former selves."""
        changed = {(one.method_id, one.batch): one for one in migrations}
        return Migrations({**self.rows, **changed}, self.touched | changed.keys())

    def of_method(self, method_id: str) -> list[Migration]:
        """The migrations of a method, the one that began last first."""
        found = [one for one in self.rows.values() if one.method_id == method_id]
        return sorted(found, key=lambda one: (one.began_on, one.batch), reverse=True)

    def changing(self, method_id: str) -> Migration | None:
        """The last one of a method that changed something, or the last one of all; dry runs left out."""
        asked = [one for one in self.of_method(method_id) if not one.dry_run]
        return next((one for one in asked if one.state not in UNCHANGED), asked[0] if asked else None)

    def built_on(self, migration: Migration) -> bool:
        """Whether a later one of the method rests on what this one left."""
        idle = (*UNCHANGED, MigrationState.ROLLED_BACK)
        later = itertools.takewhile(lambda one: one != migration, self.of_method(migration.method_id))
        return any(not one.dry_run and one.state not in idle for one in later)

    def in_hand(self, method_id: str) -> bool:
        """Whether a batch that is no dry run is at work on a method."""
        return any(not one.dry_run and not one.over for one in self.of_method(method_id))

    def leading_to(self, reference: str) -> list[Migration]:
        """Those that are no dry runs and not over, and whose new token this is."""
        return [
            one for one in self.rows.values() if not one.dry_run and not one.over and one.new == reference
        ]

    def of_reference(self, reference: str) -> Migration | None:
        """The last migration that is no dry run and knows a token."""
        found = [one for one in self.rows.values() if not one.dry_run and reference in one.references]
        return max(found, key=lambda one: (one.began_on, one.batch), default=None)

    @property
    def waiting(self) -> list[Migration]:
        """Those whose next step is somebody else's."""
        return [one for one in self.rows.values() if one.waits]


PAYPAL_MIGRATIONS: Final[Part[Migrations]] = Part("paypal_migrations")
NO_MIGRATIONS: Final = Migrations(MappingProxyType({}))


def migrations_of(account: Account) -> Migrations:
    """The account's migrations, none when there never was one."""
    return account.get(PAYPAL_MIGRATIONS) or NO_MIGRATIONS


def moved(migration: Migration, state: MigrationState, now: datetime, **fields: Any) -> Migration:
    """The migration in another state: one version on."""
    after: Migration = replace(migration, state=state, version=migration.version + 1, edited_on=now, **fields)
    return after


def told(migrations: Iterable[Migration]) -> tuple[PayPalMigrationMoved, ...]:
    """The events of migrations as they are from now on."""
    return tuple(
        PayPalMigrationMoved(
            method_id=one.method_id,
            batch=one.batch,
            state=one.state,
            broken=one.broken,
            why=one.why,
            version=one.version,
        )
        for one in migrations
    )


def step(migration: Migration, after: timedelta | None = None) -> EffectRequest:
    """Do at Braintree whatever the migration's state asks for."""
    payload = {"method_id": migration.method_id, "batch": migration.batch}
    return EffectRequest(MIGRATE, TARGET, f"migrate:{migration.batch}:{migration.method_id}", payload, after)


def is_nonce(reference: str) -> bool:
    """Whether this is what Braintree's page gives out for one use: never a token of the vault, whose are short."""
    return _NONCE.fullmatch(reference) is not None


def own_token(method_id: str, taken: str) -> str:
    """The token that a method gets in the vault: its own id, unless that is the one to be replaced."""
    return method_id if method_id != taken else hashlib.sha256(f"again:{method_id}".encode()).hexdigest()[:32]
