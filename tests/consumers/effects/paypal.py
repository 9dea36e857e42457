"""PayPal that an older system left in Braintree's vault, and batches that put it where it belongs."""

from typing import Any, Final
from uuid import uuid4

from handlers.paypal_migration import Migration
from state.postgres import paypal_migrations
from tests.consumers.effects.payments import Payments
from tests.consumers.effects.world import until
from topics.observation import Observation
from topics.payment_methods import BraintreeMethodObserved, MethodDetails, MethodKind, Processor
from topics.paypal_batches import StartPayPalBatch
from topics.paypal_migrations import MigratePayPal, ReviewPayPalMigrations, RollBackPayPalMigration

SEEN: Final = Observation.model_validate_json('{"at":"2026-11-24T09:30:15Z"}')
REASON: Final = "a test"
OLD: Final = "f28w"
THEIRS: Final = f"legacy_{OLD}"
"""The customer that the older system had in the vault for it."""
NONCE: Final = "1b2c3d4e-0a1b-4c3d-8e9f-0123456789ab"


def vaulted(
    payments: Payments, token: str, customer: str, email: str = "payer@example.com"
) -> dict[str, Any]:
    """An agreement in the vault on some customer; gives the vault's object."""
    gateway = payments.vault.gateway()
    if customer not in {one["id"] for one in payments.vault.driver.customers()}:
        assert gateway.customer.create({"id": customer}).is_success
    made = gateway.payment_method.create(
        {
            "customer_id": customer,
            "token": token,
            "payment_method_nonce": payments.vault.driver.nonce(email),
        }
    )
    assert made.is_success
    return next(one for one in payments.vault.driver.methods() if one["token"] == token)


async def taken_over(payments: Payments, reference: str, **fields: Any) -> str:
    """The account has PayPal under this reference, as the older system filed it; gives the method's id."""
    given: dict[str, Any] = {"kind": MethodKind.PAYPAL, "payer_email": "payer@example.com", **fields}
    details = MethodDetails(processor=Processor.BRAINTREE, reference=reference, **given)
    await payments.world.say(
        payments.account, BraintreeMethodObserved(reference=reference, seen=SEEN, details=details)
    )
    methods = await payments.kept()
    found = methods.referred(reference)
    assert found is not None
    return found.id


async def on_the_wrong_customer(payments: Payments, token: str = OLD) -> str:
    """The account's PayPal is in the vault on a customer of its own; gives the method's id."""
    held = vaulted(payments, token, f"legacy_{token}")
    return await taken_over(payments, token, agreement_id=held["billing_agreement_id"])


async def told_of(payments: Payments, token: str) -> None:
    """A sweep or a repair has read a token in the account's vault, and tells of it."""
    shown = next(one for one in payments.vault.driver.methods() if one["token"] == token)
    details = MethodDetails(
        processor=Processor.BRAINTREE,
        kind=MethodKind.PAYPAL,
        reference=token,
        payer_email=shown["email"],
        agreement_id=shown["billing_agreement_id"],
    )
    fact = BraintreeMethodObserved(reference=token, seen=SEEN, details=details)
    await payments.world.say(payments.account, fact)


async def begun(payments: Payments, *, dry_run: bool = False, account: str | None = None) -> str:
    """A batch that asks the account; gives the batch's id. Nothing is performed yet."""
    batch = uuid4().hex
    start = StartPayPalBatch(dry_run=dry_run, after=None if dry_run else "d" * 32, reason=REASON)
    await payments.world.say(batch, start)
    await payments.world.say(account or payments.account, MigratePayPal(batch=batch, dry_run=dry_run))
    return batch


async def take_back(payments: Payments, method_id: str) -> None:
    """Support takes a migration back; nothing is performed yet."""
    await payments.world.say(payments.account, RollBackPayPalMigration(method_id=method_id, reason=REASON))


async def performed(payments: Payments) -> None:
    """What is due is performed, and what came of it decided; what is owed then stays owed."""
    async with payments.world.member():
        await until(payments.world.nothing_due)
    await payments.world.relay()


async def imports(payments: Payments, *, review: bool = True) -> None:
    """Braintree imports what was handed in, and the account is looked at again."""
    found = await paypal_migrations.load(payments.world.connection, [payments.account])
    awaited = [one for one in found[payments.account].rows.values() if one.awaited]
    assert awaited
    payments.vault.driver.fill(
        customers=[{"id": payments.account}],
        methods=[
            {
                "token": one.new,
                "customer_id": payments.account,
                "email": one.source.payer_email,
                "billing_agreement_id": one.source.agreement_id,
            }
            for one in awaited
            if one.source
        ],
    )
    if review:
        await payments.world.say(payments.account, ReviewPayPalMigrations())


async def migrated(payments: Payments) -> str:
    """All that can be done was done, Braintree's import in between; gives the batch's id."""
    batch = await begun(payments)
    await payments.world.settle()
    await imports(payments)
    await payments.world.settle()
    return batch


async def migration(payments: Payments, method_id: str) -> Migration:
    """How far a method has come."""
    found = await paypal_migrations.load(payments.world.connection, [payments.account])
    return found[payments.account].of_method(method_id)[0]


def tokens(payments: Payments) -> dict[str, str]:
    """Whose customer each token in the vault is on."""
    return {one["token"]: one["customer_id"] for one in payments.vault.driver.methods()}


def charged(payments: Payments, token: str) -> None:
    """A payment goes through with a token."""
    sale = payments.vault.gateway().transaction.sale(
        {"payment_method_token": token, "amount": "10.00", "options": {"submit_for_settlement": True}}
    )
    assert sale.is_success, sale.message
    payments.vault.driver.settle(sale.transaction.id)
