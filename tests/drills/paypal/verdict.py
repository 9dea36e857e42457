"""What shall have become of each method, looked up from outside: our rows, Braintree's vault, its transactions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handlers.payment_method import PaymentMethod
from handlers.paypal_migration import Migration
from state.postgres import payment_methods, paypal_migrations
from state.postgres.connection import Connection
from tests.drills.complaint import Complaint
from tests.drills.paypal.legacy import CARDS, ELSEWHERE, Kind, Legacy
from topics.payment_methods import MethodKind, MethodState
from topics.paypal_migrations import MigrationState

S: Final = MigrationState


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a method's migration may have ended, the state of the method, and which of its tokens the vault has."""

    ends: frozenset[MigrationState | None]
    method: MethodState
    charged_by_new: bool
    old_in_vault: bool
    new_in_vault: bool


FATES: Final[Mapping[Kind, Fate]] = {
    Kind.SOUND: Fate(frozenset({S.SOUND}), MethodState.ACTIVE, False, True, False),
    Kind.MOVED: Fate(frozenset({S.OLD_REVOKED}), MethodState.ACTIVE, True, False, True),
    Kind.SWITCHED: Fate(frozenset({S.SWITCHED}), MethodState.ACTIVE, True, True, True),
    Kind.AWAITED: Fate(frozenset({S.FOUND}), MethodState.ACTIVE, False, True, False),
    Kind.TAKEN_BACK: Fate(frozenset({S.ROLLED_BACK}), MethodState.ACTIVE, False, True, False),
    Kind.MISTAKEN: Fate(frozenset({S.FAILED}), MethodState.ACTIVE, False, True, False),
    Kind.REMOVED: Fate(frozenset({S.FAILED}), MethodState.DETACHED, False, False, False),
    Kind.EXCHANGED: Fate(frozenset({S.OLD_REVOKED}), MethodState.ACTIVE, True, False, True),
    Kind.NEVER_KEPT: Fate(frozenset({S.FAILED}), MethodState.REVOKED, False, False, False),
    Kind.YOUNG: Fate(frozenset({S.SWITCHED}), MethodState.ACTIVE, True, False, True),
    Kind.FILED_AS_CARD: Fate(frozenset({S.SWITCHED}), MethodState.ACTIVE, False, True, False),
    Kind.FILED_AND_ELSEWHERE: Fate(frozenset({S.SWITCHED}), MethodState.ACTIVE, True, True, True),
    Kind.SHARED: Fate(frozenset({S.FAILED}), MethodState.ACTIVE, False, True, False),
    # One that Braintree shows as revoked may have ended before any batch looked at it.
    Kind.REVOKED: Fate(frozenset({S.FAILED, None}), MethodState.REVOKED, False, False, False),
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything there is, by account and by token."""

    methods: Mapping[str, Mapping[str, PaymentMethod]]
    migrations: Mapping[str, Mapping[str, Migration]]
    vault: Mapping[str, Mapping[str, Any]]
    charged: Sequence[str]


async def gathered(
    connection: Connection,
    methods: Sequence[Legacy],
    vault: Iterable[Mapping[str, Any]],
    transactions: Iterable[Mapping[str, Any]],
) -> Evidence:
    """Our rows of these accounts, and what the double told."""
    ids = sorted({one.account for one in methods})
    rows = await payment_methods.load(connection, ids)
    moves = await paypal_migrations.load(connection, ids)
    return Evidence(
        {account: found.methods for account, found in rows.items()},
        {
            account: {
                method_id: found.changing(method_id) or found.of_method(method_id)[0]
                for method_id, _ in found.rows
            }
            for account, found in moves.items()
        },
        {one["token"]: one for one in vault},
        sorted(one["order_id"] for one in transactions),
    )


def judged(methods: Sequence[Legacy], found: Evidence, paid: Sequence[str]) -> list[Complaint]:
    """Every promise that was not kept: each in its right state, none lost, none charged but by the drill itself."""
    complaints = [words for one in methods for words in _of_one(one, found)]
    if found.charged != sorted(paid):
        complaints.append(
            Complaint(
                "nobody is charged", "Braintree", f"{len(found.charged)} payments, {len(paid)} by the drill"
            )
        )
    expected = {token for one in methods for token in _tokens(one)}
    for token in found.vault.keys() ^ expected:
        where = "is in the vault" if token in found.vault else "is not in the vault"
        complaints.append(Complaint("each agreement stands where it shall", token, where))
    return complaints


def new_token(one: Legacy) -> str:
    """What the method is charged by afterwards, where that is another token."""
    return f"tk{one.number}" if one.kind is Kind.EXCHANGED else one.method_id


def _tokens(one: Legacy) -> Iterable[str]:
    fate = FATES[one.kind]
    if fate.old_in_vault:
        yield one.reference
    if fate.new_in_vault:
        yield new_token(one)


def _of_one(one: Legacy, found: Evidence) -> Iterable[Complaint]:
    fate, where = FATES[one.kind], f"{one.account} ({one.kind.value})"
    rows = found.methods.get(one.account, {})
    method = rows.get(one.method_id)
    if method is None:
        yield Complaint("no method is lost", where, f"its row is gone: {list(rows)}")
        return
    if len(rows) != 1:
        yield Complaint("one agreement is one method", where, f"{len(rows)} rows")
    migration = found.migrations.get(one.account, {}).get(one.method_id)
    end = migration.state if migration else None
    if end not in fate.ends:
        why = migration.why if migration else ""
        yield Complaint("each method ends in its right state", where, f"{end}, {why}")
    if method.state is not fate.method:
        yield Complaint("each method ends in its right state", where, f"the method is {method.state}")
    expected = new_token(one) if fate.charged_by_new else one.reference
    if method.details.reference != expected:
        yield Complaint("charged by the right reference", where, f"by {method.details.reference}")
    yield from _of_the_vault(one, method, found)


def _of_the_vault(one: Legacy, method: PaymentMethod, found: Evidence) -> Iterable[Complaint]:
    where = f"{one.account} ({one.kind.value})"
    if method.state is MethodState.ACTIVE and method.details.reference not in found.vault:
        yield Complaint("what is active can be charged", where, "its token is not in the vault")
    if FATES[one.kind].new_in_vault and (held := found.vault.get(new_token(one))):
        if held["customer_id"] != one.account:
            yield Complaint("the agreement is the account's", where, f"on {held['customer_id']}")
        if one.kind in ELSEWHERE and held["billing_agreement_id"] != one.agreement:
            yield Complaint("the agreement stays the same", where, str(held["billing_agreement_id"]))
    filed = method.details.kind is MethodKind.CREDIT_CARD
    if filed and one.kind in CARDS:
        yield Complaint("PayPal is filed as PayPal", where, "still a card")
