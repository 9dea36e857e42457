"""What a step of a PayPal migration rests on: the method, how far it has come, and whether it may go on."""

from dataclasses import dataclass

from consumers.performing import Work
from handlers.payment_method import NO_METHODS, PaymentMethods
from handlers.paypal_migration import NO_MIGRATIONS, Migration
from state.postgres import effects, payment_methods, paypal_batches, paypal_migrations
from state.postgres.effects import Effect


@dataclass(frozen=True, slots=True)
class PayPalView:
    """One snapshot. `halted` says why the batch may not go on, `paid_by_others` that an account of ours pays with
    the same reference."""

    effect: Effect
    methods: PaymentMethods
    migration: Migration | None
    halted: str | None
    paid_by_others: bool

    @property
    def account_id(self) -> str:
        """The account, whose customer in the vault has the same id."""
        return self.effect.account_id

    @property
    def in_use(self) -> bool:
        """Whether the account still has the method."""
        method = self.methods.methods.get(self.migration.method_id) if self.migration else None
        return method is not None and not method.gone

    @property
    def lives_on(self) -> bool:
        """Whether the account pays with what the method is to become, be it under another method's name."""
        new = self.migration.new if self.migration else None
        return self.in_use or (new is not None and self.charged_by(new))

    def charged_by(self, token: str) -> bool:
        """Whether a method that the account still has is charged by a token, be it this one or another."""
        return any(not one.gone and one.details.reference == token for one in self.methods.methods.values())


async def paypal_view(work: Work) -> PayPalView:
    """Read it all at one moment. Raises `LeaseLostError` when the effect is not ours any more."""
    async with (
        work.store.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        effect = await effects.read_again(connection, work.effect, work.worker)
        ids = [effect.account_id]
        methods = (await payment_methods.load(connection, ids)).get(effect.account_id, NO_METHODS)
        found = (await paypal_migrations.load(connection, ids)).get(effect.account_id, NO_MIGRATIONS)
        named = (str(effect.payload["method_id"]), str(effect.payload["batch"]))
        migration = found.rows.get(named)
        halted, shared = None, False
        if migration is not None:
            halted = await paypal_batches.halted(connection, migration.batch)
            source = [migration.source.reference] if migration.source else []
            references = [migration.old.reference, *source]
            shared = await payment_methods.paid_by_others(connection, references, effect.account_id)
    return PayPalView(effect, methods, migration, halted, shared)
