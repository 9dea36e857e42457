"""Any history of messages, against the table of states: accounts, profiles and their links to Stripe.

The table is written down here a second time, as plainly as it can be, and both must agree at every step.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from handlers.accounts import ACCOUNT
from handlers.decision import Applied, Decision, Refused
from handlers.profiles import PROFILE
from tests.handlers.worlds import DE, JP, START, US, World
from topics.accounts import (
    AccountRegistered,
    AccountType,
    ClearFlag,
    EraseAccount,
    LockAccount,
    SetAccountType,
    SetFlag,
    UnlockAccount,
)
from topics.codes import Code
from topics.message import Command, Message, Role
from topics.profiles import (
    CreateProfile,
    DeleteProfile,
    PatchProfile,
    ProfileChanged,
    ProfileDeleted,
    ReplaceProfile,
    UpsertProfile,
)
from topics.stripe_customers import (
    LinkStripeCustomer,
    StripeCustomerLinked,
    StripeCustomerMerged,
    StripeCustomerShared,
    StripeCustomerSynced,
    StripeCustomerSyncFailed,
    SyncStripeCustomer,
)

ROLES = st.sampled_from(Role)
TYPES = st.sampled_from(AccountType)
PROFILES = st.sampled_from([US, DE, JP])
EMAILS = st.sampled_from(["a@example.com", "b@example.com", None])
CUSTOMERS = st.sampled_from(["cus_A", "cus_B", "cus_C"])
DIGESTS = st.sampled_from(["1" * 64, "2" * 64])
MINUTES = st.integers(0, 20).map(lambda minutes: START + timedelta(minutes=minutes))


@dataclass
class Table:
    """Where the account is by the table of states; None: nobody registered it, or there is none."""

    type: AccountType | None = None
    debt: bool = False
    locked: bool = False
    profile: dict[str, Any] | None = None
    profile_version: int = 0
    customer: str | None = None
    merged: bool = False
    shared_as_of: datetime | None = None
    synced_at: datetime | None = None
    projection: str | None = None
    failed_at: datetime | None = None


class Histories(RuleBasedStateMachine):
    """One account that anything happens to."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.table = Table()

    def gate(self, message: Message, role: Role) -> Code | None:
        """What holds before any rule of a message."""
        if self.table.type is None:
            return Code.NOT_FOUND
        return Code.ACCOUNT_LOCKED if self.locked_out(message, role) else None

    def locked_out(self, message: Message, role: Role) -> bool:
        """Whether support's lock is in the way."""
        return self.table.locked and isinstance(message, Command) and role is not Role.SUPPORT

    def expect(self, message: Message, role: Role, code: Code | None) -> Decision:
        """Tell the message; it must be refused with the code, or applied when there is none."""
        expected = self.gate(message, role) or code
        decision = self.world.tell(message, role)
        assert (decision.code if isinstance(decision, Refused) else None) == expected
        return decision

    @rule(account_type=TYPES)
    def register(self, account_type: AccountType) -> None:
        decision = self.world.tell(AccountRegistered(account_type=account_type), Role.SERVICE)
        assert isinstance(decision, Applied)
        assert bool(decision.events) is (self.table.type is None)
        self.table.type = self.table.type or account_type

    @rule(account_type=TYPES, role=ROLES)
    def set_type(self, account_type: AccountType, role: Role) -> None:
        if isinstance(self.expect(SetAccountType(account_type=account_type), role, None), Applied):
            self.table.type = account_type

    @rule(raised=st.booleans(), role=ROLES)
    def flag(self, raised: bool, role: Role) -> None:
        message = SetFlag(flag="bad_debt") if raised else ClearFlag(flag="bad_debt")
        decision = self.expect(message, role, None)
        if isinstance(decision, Applied):
            assert bool(decision.events) is (self.table.debt is not raised)
            self.table.debt = raised

    @rule(role=ROLES)
    def lock(self, role: Role) -> None:
        forbidden = None if role is Role.SUPPORT else Code.FORBIDDEN
        if isinstance(self.expect(LockAccount(reason="r"), role, forbidden), Applied):
            self.table.locked = True

    @rule(role=ROLES)
    def unlock(self, role: Role) -> None:
        forbidden = None if role is Role.SUPPORT else Code.FORBIDDEN
        if isinstance(self.expect(UnlockAccount(reason="r"), role, forbidden), Applied):
            self.table.locked = False

    @rule(role=ROLES)
    def erase(self, role: Role) -> None:
        forbidden = None if role is Role.SUPPORT else Code.FORBIDDEN
        decision = self.expect(EraseAccount(reason="r"), role, forbidden)
        if isinstance(decision, Applied):
            assert decision.forget
            assert any(isinstance(e, ProfileDeleted) for e in decision.events) is (
                self.table.profile is not None
            )
            self.gone()

    @rule(profile=PROFILES, role=ROLES)
    def create(self, profile: dict[str, Any], role: Role) -> None:
        exists = Code.ALREADY_EXISTS if self.table.profile is not None else None
        if isinstance(self.expect(CreateProfile(**profile), role, exists), Applied):
            self.put(profile)

    @rule(profile=PROFILES, role=ROLES, guard=st.sampled_from([None, "right", "wrong"]), upsert=st.booleans())
    def replace(self, profile: dict[str, Any], role: Role, guard: str | None, upsert: bool) -> None:
        right = self.table.profile_version
        versions = {None: None, "right": right or 1, "wrong": right + 1}
        model = UpsertProfile if upsert else ReplaceProfile
        message = model(**profile, expected_version=versions[guard])
        if self.table.profile is None:
            code = None if upsert and guard is None else Code.NOT_FOUND
        elif self.table.debt:
            code = Code.OUTSTANDING_BALANCE
        else:
            code = Code.VERSION_CONFLICT if guard == "wrong" else None
        if isinstance(self.expect(message, role, code), Applied):
            self.put(profile)

    @rule(email=EMAILS, role=ROLES)
    def patch(self, email: str | None, role: Role) -> None:
        missing = Code.NOT_FOUND if self.table.profile is None else None
        decision = self.expect(PatchProfile(secondary_billing_email=email), role, missing)
        if isinstance(decision, Applied):
            assert self.table.profile is not None
            rest = {k: v for k, v in self.table.profile.items() if k != "secondary_billing_email"}
            self.put({**rest, "secondary_billing_email": email} if email else rest)

    @rule(role=ROLES)
    def delete(self, role: Role) -> None:
        code = Code.OUTSTANDING_BALANCE if self.table.debt else None
        code = Code.NOT_FOUND if self.table.profile is None else code
        if isinstance(self.expect(DeleteProfile(), role, code), Applied):
            self.gone()

    def put(self, profile: dict[str, Any]) -> None:
        if profile != self.table.profile:
            self.table.profile, self.table.profile_version = profile, self.table.profile_version + 1

    def gone(self) -> None:
        if self.table.profile is not None:
            self.table.profile, self.table.profile_version = None, self.table.profile_version + 1

    @rule(customer=CUSTOMERS, expected=CUSTOMERS | st.none(), role=ROLES)
    def link(self, customer: str, expected: str | None, role: Role) -> None:
        holds = self.table.customer in (customer, expected)
        message = LinkStripeCustomer(customer_id=customer, expected_customer_id=expected)
        decision = self.expect(message, role, None if holds else Code.VERSION_CONFLICT)
        if isinstance(decision, Applied) and self.table.customer != customer:
            assert isinstance(decision.events[0], StripeCustomerLinked)
            self.table.customer, self.table.merged = customer, False
            self.table.synced_at = self.table.failed_at = self.table.projection = None

    @precondition(lambda self: self.table.type is not None)
    @rule(customer=CUSTOMERS, projection=DIGESTS, moment=MINUTES, created=st.booleans())
    def synced(self, customer: str, projection: str, moment: datetime, created: bool) -> None:
        table = self.table
        decision = self.world.applied(
            StripeCustomerSynced(
                customer_id=customer, projection=projection, synced_at=moment, created=created
            )
        )
        orphan = table.customer not in (None, customer)
        assert bool(decision.effects) is (orphan and created)
        if not orphan and (table.synced_at is None or moment > table.synced_at):
            table.customer, table.synced_at, table.projection = customer, moment, projection
            if table.failed_at is not None and table.failed_at <= moment:
                table.failed_at = None

    @precondition(lambda self: self.table.type is not None)
    @rule(projection=DIGESTS, moment=MINUTES)
    def sync_failed(self, projection: str, moment: datetime) -> None:
        self.world.applied(StripeCustomerSyncFailed(reason="r", projection=projection, failed_at=moment))
        known = [at for at in (self.table.synced_at, self.table.failed_at) if at is not None]
        if all(moment > at for at in known):
            self.table.failed_at = moment

    @precondition(lambda self: self.table.type is not None)
    @rule(customer=CUSTOMERS, accounts=st.integers(1, 3), moment=MINUTES)
    def shared(self, customer: str, accounts: int, moment: datetime) -> None:
        table = self.table
        decision = self.world.applied(
            StripeCustomerShared(customer_id=customer, accounts=accounts, as_of=moment)
        )
        fresh = table.shared_as_of is None or moment > table.shared_as_of
        if customer == table.customer and fresh:
            told = any(isinstance(event, StripeCustomerMerged) for event in decision.events)
            assert told is (table.merged is not (accounts > 1))
            table.merged, table.shared_as_of = accounts > 1, moment
        else:
            assert decision.changes == {}

    @rule(role=ROLES)
    def sync(self, role: Role) -> None:
        self.expect(SyncStripeCustomer(), role, Code.MERGED_ACCOUNT if self.table.merged else None)

    @invariant()
    def the_account_is_where_the_table_says(self) -> None:
        record = self.world.parts[ACCOUNT]
        if self.table.type is None:
            assert record is None
            return
        assert record.type is self.table.type
        assert record.flags == (32768 if self.table.debt else 0)
        assert (record.lock is not None) is self.table.locked

    @invariant()
    def the_profile_is_where_the_table_says(self) -> None:
        profile = self.world.parts[PROFILE]
        assert (profile.version if profile else 0) == self.table.profile_version
        if self.table.profile is None:
            assert profile is None or profile.deleted_on is not None
        else:
            assert {k: v for k, v in profile.fields.items() if v is not None} == self.table.profile

    @invariant()
    def the_stripe_side_is_where_the_table_says(self) -> None:
        customer, table = self.world.customer, self.table
        assert (customer.customer_id, customer.merged) == (table.customer, table.merged)
        assert (customer.synced_at, customer.projection) == (table.synced_at, table.projection)
        assert (customer.failure.at if customer.failure else None) == table.failed_at
        assert customer.shared_as_of == table.shared_as_of

    @invariant()
    def the_events_tell_the_profile_from_the_first_version_to_the_last(self) -> None:
        told = [e.version for e in self.world.events if isinstance(e, ProfileChanged | ProfileDeleted)]
        assert told == list(range(1, self.table.profile_version + 1))


TestHistories = pytest.mark.timeout(120)(Histories.TestCase)
TestHistories.settings = settings(
    max_examples=60, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow]
)
