"""An account that messages are decided about, as the loop would: each handler sees the parts it declares."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from handlers.account import Account, Part
from handlers.accounts import ACCOUNT, AccountRecord
from handlers.decision import Applied, Context, Decision, Failed, Refused
from handlers.payment_method import PAYMENT_METHODS
from handlers.paypal_batches import PAYPAL_BATCH
from handlers.paypal_migration import PAYPAL_MIGRATIONS
from handlers.policy import USUAL
from handlers.profiles import PROFILE, Profile
from handlers.registry import decide, needs_of
from handlers.stripe_customers import STRIPE_CUSTOMER, StripeCustomer
from handlers.subscription import SUBSCRIPTIONS
from tests.topics.messages import ACCOUNT as ACCOUNT_ID
from topics.accounts import AccountRegistered, AccountType
from topics.codes import Code
from topics.message import Actor, Event, Message, Role
from topics.profiles import CreateProfile

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMMAND_ID = UUID("019ab0d2-6f2c-7a31-8c1e-3f5b1d2a9c44")
PARTS: tuple[Part[Any], ...] = (
    ACCOUNT,
    PROFILE,
    STRIPE_CUSTOMER,
    PAYMENT_METHODS,
    SUBSCRIPTIONS,
    PAYPAL_BATCH,
    PAYPAL_MIGRATIONS,
)

US: dict[str, Any] = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "address": "1 Main St",
    "city": "Springfield",
    "state": "IL",
    "zipcode": "62701",
    "country": "US",
    "billing_email": "ada@example.com",
}
DE: dict[str, Any] = {
    "company": "Beispiel GmbH",
    "address": "Unter den Linden 1",
    "city": "Berlin",
    "zipcode": "10117",
    "country": "DE",
    "billing_email": "rechnung@example.de",
    "preferred_locale": "de-DE",
}
JP: dict[str, Any] = {
    "company": "Rei KK",
    "address": "1-1 Chiyoda",
    "city": "Chiyoda-ku",
    "state": "Tokyo",
    "zipcode": "100-0001",
    "country": "JP",
}


class World:
    """One account and the clock. `events` is all that was told, in order."""

    def __init__(self) -> None:
        self.now = START
        self.parts: dict[Part[Any], Any] = dict.fromkeys(PARTS)
        self.events: list[Event] = []
        self.policy = USUAL

    def decide(self, message: Message, role: Role = Role.CUSTOMER) -> Decision:
        """What is decided about a message, without any consequence."""
        seen = {part: self.parts[part] for part in (ACCOUNT, *needs_of(message))}
        minutes = (self.now - START) // timedelta(minutes=1)
        command_id = UUID(int=COMMAND_ID.int + minutes)
        context = Context(self.now, Actor("somebody", role, "/test"), command_id, self.policy)
        return decide(Account(ACCOUNT_ID, seen), message, context)

    def tell(self, message: Message, role: Role = Role.CUSTOMER) -> Decision:
        """Decide a minute later, and let it have its consequences."""
        self.now += timedelta(minutes=1)
        decision = self.decide(message, role)
        applied = decision.applied if isinstance(decision, Failed) else decision
        if isinstance(applied, Applied):
            self.parts.update(applied.changes)
            self.events.extend(applied.events)
        return decision

    def failed(self, message: Message, role: Role = Role.SYSTEM) -> Failed:
        """As `tell`, for a result that leaves a mark and tells a refusal."""
        decision = self.tell(message, role)
        assert isinstance(decision, Failed), decision
        return decision

    def applied(self, message: Message, role: Role = Role.CUSTOMER) -> Applied:
        """As `tell`, for what must be applied."""
        decision = self.tell(message, role)
        assert isinstance(decision, Applied), decision
        return decision

    def refused(self, message: Message, role: Role = Role.CUSTOMER) -> Refused:
        """As `tell`, for what must be refused; nothing may have changed."""
        before = dict(self.parts)
        decision = self.tell(message, role)
        assert isinstance(decision, Refused), decision
        assert self.parts == before
        return decision

    def code(self, message: Message, role: Role = Role.CUSTOMER) -> Code | None:
        """The code with which a message is refused, None when it is applied."""
        decision = self.tell(message, role)
        return decision.code if isinstance(decision, Refused) else None

    @property
    def account(self) -> AccountRecord:
        """The account's record."""
        record: AccountRecord | None = self.parts[ACCOUNT]
        assert record is not None
        return record

    @property
    def profile(self) -> Profile:
        """The profile or its tombstone."""
        profile: Profile | None = self.parts[PROFILE]
        assert profile is not None
        return profile

    @property
    def customer(self) -> StripeCustomer:
        """The Stripe side."""
        return self.parts[STRIPE_CUSTOMER] or StripeCustomer()


def registered(account_type: AccountType = AccountType.PAY_GO) -> World:
    """A known account with nothing to it."""
    world = World()
    world.applied(AccountRegistered(account_type=account_type), Role.SERVICE)
    return world


def with_profile() -> World:
    """A known account with a billing profile."""
    world = registered()
    world.applied(CreateProfile(**US))
    return world
