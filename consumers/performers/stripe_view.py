"""What a performer knows of an account's Stripe side: our state, the effect and our memory in one snapshot."""

from dataclasses import dataclass

from consumers.performing import Work
from handlers.accounts import AccountRecord
from handlers.payment_method import NO_METHODS, PaymentMethods, living
from handlers.profiles import Profile
from handlers.stripe_customers import StripeCustomer
from handlers.stripe_projection import Projection, project
from state.postgres import accounts, effects, payment_methods, profiles, stripe_customers, stripe_holdings
from state.postgres.connection import Connection
from state.postgres.effects import Effect
from state.postgres.stripe_holdings import Holding


@dataclass(frozen=True, slots=True)
class View:
    """The account as one snapshot shows it. `sharers` counts the accounts linked to the same customer now."""

    effect: Effect
    record: AccountRecord | None
    profile: Profile | None
    methods: PaymentMethods
    customer: StripeCustomer
    sharers: int
    holding: Holding

    @property
    def desired(self) -> Projection:
        """What Stripe shall hold. Only of accounts that are known."""
        if self.record is None:
            raise LookupError("there is no such account")
        return project(self.effect.account_id, self.record, self.profile, self.methods)

    @property
    def customer_id(self) -> str | None:
        """The account's customer, also while the account has yet to hear that it was made."""
        return self.customer.customer_id or self.holding.made_id

    @property
    def shared(self) -> bool:
        """Whether the customer belongs to several accounts: nothing may be changed then."""
        return self.customer.merged or self.sharers > 1

    @property
    def wanted(self) -> bool:
        """Whether the account should have a customer: it has a profile or pays with something, or has one already."""
        profile = self.profile is not None and not self.profile.deleted_on
        return bool(self.customer.customer_id or profile or living(self.methods))


async def view(work: Work) -> View:
    """Read it all at one moment. Raises `LeaseLostError` when the effect is not ours any more."""
    async with (
        work.store.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        effect = await effects.read_again(connection, work.effect, work.worker)
        return await _view(connection, effect)


async def _view(connection: Connection, effect: Effect) -> View:
    account_id = effect.account_id
    record = (await accounts.load(connection, [account_id])).get(account_id)
    profile = (await profiles.load(connection, [account_id])).get(account_id)
    methods = (await payment_methods.load(connection, [account_id])).get(account_id) or NO_METHODS
    customer = (await stripe_customers.load(connection, [account_id])).get(account_id) or StripeCustomer()
    sharers = 0
    if customer.customer_id:
        found = await stripe_customers.holders(connection, [customer.customer_id])
        sharers = len(found[customer.customer_id].accounts)
    holding = await stripe_holdings.load(connection, account_id)
    return View(effect, record, profile, methods, customer, sharers, holding)
