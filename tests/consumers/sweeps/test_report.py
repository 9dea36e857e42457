"""What somebody changes behind our back is found, explained, and ended by a repair; at rest nothing is found."""

from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from consumers.performers.stripe_answers import RefusedError
from consumers.sweeps.gauges import DriftGauges
from consumers.sweeps.repair_plan import repair_of
from handlers.collection_method import DAYS_UNTIL_DUE
from handlers.drift import Cause
from handlers.payment_effects import read_braintree
from state.postgres import drift
from state.postgres.sweeps import Counts
from state.stripe import customers
from state.stripe.answers import Refused
from tests.consumers.effects.payments import Payments
from tests.consumers.effects.stripe_side import attached, stripe, subscribed
from tests.consumers.effects.test_reads import looked_at
from tests.consumers.sweeps.sweeping import Sweeping
from topics.accounts import EraseAccount
from topics.payment_methods import MethodState, ReconcileCollectionMethod, RemovePaymentMethod
from topics.stripe_customers import LinkStripeCustomer

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


async def pays_with_everything(sweep: Sweeping) -> str:
    """A card, an agreement and a subscription, all in step; gives the subscription."""
    payments = sweep.payments
    await payments.adds()
    await payments.connects()
    await payments.world.settle()
    subscription = await subscribed(payments)
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle()
    return subscription


async def test_at_rest_a_sweep_finds_nothing_and_writes_nothing(sweep: Sweeping) -> None:
    await pays_with_everything(sweep)
    before = sweep.payments.world.double.driver.effects()
    assert await sweep.found() == {}
    done = await sweep.everything()
    assert (done.state, done.accounts, done.suspects) == ("done", 1, 0)
    assert sweep.payments.world.double.driver.effects() == before


async def test_who_the_customer_is_was_changed_at_stripe(sweep: Sweeping) -> None:
    customer = await sweep.payments.customer()
    sweep.payments.world.double.driver.change(
        customer["id"], silent=True, name="Eve", metadata={**customer["metadata"], "account_type": "employee"}
    )
    assert await sweep.found() == {
        "name": ("Ada Lovelace", "Eve", Cause.CHANGED_AT_PROCESSOR),
        "metadata.account_type": ("pay_go", "employee", Cause.CHANGED_AT_PROCESSOR),
    }
    await sweep.repaired()
    assert await sweep.found() == {}
    assert (await sweep.payments.customer())["name"] == "Ada Lovelace"
    history = await drift.history(sweep.payments.world.connection, sweep.payments.account)
    assert [(row["field"], row["closed_at"] is not None) for row in history] == [
        ("name", True),
        ("metadata.account_type", True),
    ]


async def test_a_card_that_was_detached_without_a_word_is_learned(sweep: Sweeping) -> None:
    await sweep.payments.adds()
    await sweep.payments.world.settle()
    card = (await sweep.payments.only()).details.reference
    driver = sweep.payments.world.double.driver
    driver.change(card, silent=True, customer=None)
    customer = await sweep.payments.customer()
    driver.change(
        customer["id"],
        silent=True,
        invoice_settings={**customer["invoice_settings"], "default_payment_method": None},
    )
    assert await sweep.found() == {
        f"payment_methods.{card}": ("active", None, Cause.MISSED_WEBHOOK),
        "default_payment_method": (card, None, Cause.CHANGED_AT_PROCESSOR),
    }
    await sweep.repaired()
    assert await sweep.found() == {}
    (method,) = (await sweep.payments.kept()).methods.values()
    assert method.state is MethodState.DETACHED


async def test_a_card_of_another_date_and_one_we_never_heard_of_are_learned(sweep: Sweeping) -> None:
    await sweep.payments.adds()
    await sweep.payments.world.settle()
    card = (await sweep.payments.only()).details
    driver, customer = sweep.payments.world.double.driver, await sweep.payments.customer()
    shown = next(one for one in sweep.payments.objects("payment_method") if one["id"] == card.reference)
    driver.change(card.reference, silent=True, card={**shown["card"], "exp_year": 2040})
    other = stripe(sweep.payments, "/v1/payment_methods/pm_card_mastercard/attach", customer=customer["id"])[
        "id"
    ]
    assert await sweep.found() == {
        f"payment_methods.{card.reference}.exp_year": (str(card.exp_year), "2040", Cause.MISSED_WEBHOOK),
        f"payment_methods.{other}": (None, "attached", Cause.MISSED_WEBHOOK),
    }
    await sweep.repaired()
    assert await sweep.found() == {}
    assert {one.details.reference for one in (await sweep.payments.kept()).methods.values()} == {
        card.reference,
        other,
    }


async def test_what_was_removed_here_and_is_still_there_is_let_go(sweep: Sweeping) -> None:
    await sweep.payments.adds()
    await sweep.payments.world.settle()
    method = await sweep.payments.only()
    await sweep.payments.ask(RemovePaymentMethod(method_id=method.id))
    await sweep.payments.world.settle()
    card, customer = method.details.reference, (await sweep.payments.customer())["id"]
    sweep.payments.world.double.driver.change(card, silent=True, customer=customer)
    field = f"payment_methods.{card}"
    assert await sweep.found() == {field: ("detached", "attached", Cause.CHANGED_AT_PROCESSOR)}
    await sweep.repaired()
    assert await sweep.found() == {}
    assert attached(sweep.payments) == []


async def test_a_subscription_that_is_collected_in_another_way_or_is_over(sweep: Sweeping) -> None:
    subscription = await pays_with_everything(sweep)
    driver = sweep.payments.world.double.driver
    driver.change(subscription, silent=True, collection_method="charge_automatically", days_until_due=None)
    ours = f"send_invoice, {DAYS_UNTIL_DUE} days"
    field = f"subscriptions.{subscription}"
    found = await sweep.found()
    assert found[f"{field}.collection_method"] == (ours, "charge_automatically", Cause.CHANGED_AT_PROCESSOR)
    await sweep.repaired()
    assert await sweep.found() == {}
    driver.change(subscription, silent=True, status="canceled", ended_at=1)
    assert await sweep.found() == {f"{field}.status": ("active", None, Cause.MISSED_WEBHOOK)}
    await sweep.repaired()
    assert await sweep.found() == {}


async def test_how_subscriptions_are_collected_is_measured_apart_from_what_else_differs(
    sweep: Sweeping,
) -> None:
    subscription = await pays_with_everything(sweep)
    driver = sweep.payments.world.double.driver
    wrong = {"collection_method": "charge_automatically", "days_until_due": None}
    driver.change(subscription, silent=True, cancel_at_period_end=True, **wrong)
    await sweep.found()
    measured = DriftGauges(sweep.member.examination.store)
    await measured.report()
    outward, inward = Cause.CHANGED_AT_PROCESSOR, Cause.MISSED_WEBHOOK
    assert (fields("collection_method", outward), fields("subscriptions", inward)) == (1, 3)
    await sweep.repaired()
    await measured.report()
    assert (fields("collection_method", outward), fields("subscriptions", inward)) == (0, 0)


def fields(part: str, cause: Cause) -> float | None:
    """What the gauge tells of a part of Stripe's."""
    labels = {"processor": "stripe", "part": part, "cause": cause.value}
    return REGISTRY.get_sample_value("billing_drift_fields", labels)


async def test_an_agreement_that_was_revoked_without_a_word_flips_the_collection(sweep: Sweeping) -> None:
    subscription = await pays_with_everything(sweep)
    (token,) = [one["token"] for one in sweep.payments.vault.driver.methods()]
    sweep.payments.vault.driver.settings(paused=True)
    sweep.payments.vault.driver.revoke(token)
    assert await sweep.found() == {f"agreements.{token}": ("active", "revoked", Cause.MISSED_WEBHOOK)}
    await sweep.repaired()
    assert await sweep.found() == {}
    assert (await sweep.payments.kept()).methods[token].state is MethodState.REVOKED
    (shown,) = [one for one in sweep.payments.objects("subscription") if one["id"] == subscription]
    assert shown["collection_method"] == "charge_automatically"
    assert await sweep.found() == {}, "nor is anything that followed from it left out of step"


async def test_an_agreement_that_only_the_vault_knows_is_the_accounts(sweep: Sweeping) -> None:
    await pays_with_everything(sweep)
    (token,) = [one["token"] for one in sweep.payments.vault.driver.methods()]
    other = sweep.payments.vault.gateway().payment_method.create(
        {
            "customer_id": sweep.payments.account,
            "payment_method_nonce": sweep.payments.vault.driver.nonce("second@example.com"),
            "token": "f" * 32,
        }
    )
    assert other.is_success
    assert await sweep.found() == {f"agreements.{'f' * 32}": (None, "vaulted", Cause.MISSED_WEBHOOK)}
    await sweep.repaired()
    assert await sweep.found() == {}
    kept = (await sweep.payments.kept()).methods
    assert kept["f" * 32].details.payer_email == "second@example.com"
    assert kept[token].state is MethodState.ACTIVE


async def connected(sweep: Sweeping) -> str:
    """A PayPal agreement that is in step; gives its token."""
    await sweep.payments.connects()
    await sweep.payments.world.settle()
    return (await sweep.payments.only()).details.reference


async def test_an_agreement_that_is_another_one_under_the_same_token_is_learned(sweep: Sweeping) -> None:
    token = await connected(sweep)
    ours = (await sweep.payments.only()).details
    filled = {
        "token": token,
        "customer_id": sweep.payments.account,
        "email": ours.payer_email,
        "default": True,
    }
    sweep.payments.vault.driver.fill(methods=[{**filled, "billing_agreement_id": "B-ANOTHER"}])
    assert await sweep.found() == {
        f"agreements.{token}.agreement_id": (ours.agreement_id, "B-ANOTHER", Cause.MISSED_WEBHOOK)
    }
    await sweep.repaired()
    assert await sweep.found() == {}
    assert (await sweep.payments.only()).details.agreement_id == "B-ANOTHER"


async def test_a_row_of_before_agreements_were_kept_is_no_difference_and_a_reading_fills_it_in(
    sweep: Sweeping,
) -> None:
    token = await connected(sweep)
    known = (await sweep.payments.only()).details.agreement_id
    assert known
    await sweep.payments.world.connection.execute(
        "UPDATE payment_methods SET details = (details::jsonb - 'agreement_id')::text"
    )
    assert (await sweep.payments.only()).details.agreement_id is None
    assert await sweep.found() == {}
    await looked_at(sweep.payments, read_braintree(token))
    assert (await sweep.payments.only()).details.agreement_id == known


async def test_a_customer_that_was_never_made_is_made(sweep: Sweeping) -> None:
    world = sweep.payments.world
    other = await world.customer_of_ada()
    await world.connection.execute("DELETE FROM effects WHERE account_id = $1", other)
    await sweep.everything()
    await sweep.again()
    (row,) = await sweep.rows()
    assert (row.account_id, row.difference.field, row.difference.cause) == (
        other,
        "customer",
        Cause.FAILED_EFFECT,
    )
    await world.say(other, repair_of([row.difference]))
    await world.settle()
    await sweep.again()
    assert await sweep.rows() == []
    assert world.only_customer(other)["name"] == "Ada Lovelace"


async def test_a_customer_that_was_never_made_is_missed_where_only_paypal_is_kept(sweep: Sweeping) -> None:
    world = sweep.payments.world
    other = Payments(world, sweep.payments.vault, await world.account())
    await other.connects("other@example.com")
    await world.settle()
    assert (await other.only()).state is MethodState.ACTIVE
    await world.connection.execute("DELETE FROM stripe_customers WHERE account_id = $1", other.account)
    await sweep.everything()
    await sweep.again()
    (row,) = await sweep.rows()
    assert (row.account_id, row.difference.field, row.difference.cause) == (
        other.account,
        "customer",
        Cause.FAILED_EFFECT,
    )


async def test_what_was_found_once_is_not_reported_and_leaves_no_trace(sweep: Sweeping) -> None:
    customer = (await sweep.payments.customer())["id"]
    driver = sweep.payments.world.double.driver
    driver.change(customer, silent=True, name="Eve")
    await sweep.everything()
    assert await sweep.reported() == {}
    driver.change(customer, silent=True, name="Ada Lovelace")
    await sweep.again()
    rows = await sweep.payments.world.connection.fetchval("SELECT count(*) FROM drift")
    assert rows == 0


async def test_what_is_on_its_way_is_no_difference(sweep: Sweeping) -> None:
    await sweep.payments.world.profile(sweep.payments.account, first_name="Augusta")
    await sweep.everything()
    assert await sweep.payments.world.connection.fetchval("SELECT count(*) FROM drift") == 0
    await sweep.payments.world.settle()
    assert await sweep.found() == {}


async def test_what_was_busy_when_the_sweep_came_by_is_come_back_to(sweep: Sweeping) -> None:
    world = sweep.payments.world
    customer = (await sweep.payments.customer())["id"]
    await world.profile(sweep.payments.account, first_name="Augusta")
    await sweep.everything()
    await world.settle()
    world.double.driver.change(customer, silent=True, name="Eve")
    await sweep.again()
    assert await sweep.reported() == {}, "not its time yet"
    for _ in range(2):
        await world.connection.execute("UPDATE drift_suspects SET due_at = now()")
        await sweep.again()
    assert (await sweep.reported())["name"][:2] == ("Augusta Lovelace", "Eve")
    assert await world.connection.fetchval("SELECT count(*) FROM drift_suspects") == 0


async def test_work_that_does_not_go_through_is_the_cause(sweep: Sweeping) -> None:
    world = sweep.payments.world
    await world.profile(sweep.payments.account, first_name="Augusta")
    await world.connection.execute("UPDATE effects SET created_at = created_at - interval '1 hour'")
    assert (await sweep.found())["name"] == ("Augusta Lovelace", "Ada Lovelace", Cause.FAILED_EFFECT)


async def test_a_shared_customer_is_reported_as_merged_and_not_repaired(sweep: Sweeping) -> None:
    world, customer = sweep.payments.world, (await sweep.payments.customer())["id"]
    other = await world.account()
    await world.say(other, LinkStripeCustomer(customer_id=customer))
    await world.settle()
    world.double.driver.change(customer, silent=True, name="Eve")
    found = await sweep.found()
    assert found["name"] == ("Ada Lovelace", "Eve", Cause.MERGED)
    await sweep.repaired()
    assert (await sweep.payments.customer())["name"] == "Eve"


async def test_an_erasure_takes_what_the_report_quoted_with_it(sweep: Sweeping) -> None:
    customer = (await sweep.payments.customer())["id"]
    sweep.payments.world.double.driver.change(customer, silent=True, name="Eve")
    assert (await sweep.found())["name"][:2] == ("Ada Lovelace", "Eve")
    connection, run = sweep.payments.world.connection, uuid4()
    await drift.asked(connection, run, [sweep.payments.account])
    (kept,) = await drift.of_repair(connection, run)
    assert (kept["ours"], kept["theirs"]) == ("Ada Lovelace", "Eve")
    await sweep.payments.world.say(sweep.payments.account, EraseAccount(reason="asked for"))
    for row in (
        *await connection.fetch("SELECT ours, theirs FROM drift"),
        *await drift.of_repair(connection, run),
    ):
        assert (row["ours"], row["theirs"]) == (None, None)


async def test_of_an_erased_account_the_report_quotes_nothing(sweep: Sweeping) -> None:
    customer = (await sweep.payments.customer())["id"]
    await sweep.payments.world.say(sweep.payments.account, EraseAccount(reason="asked for"))
    await sweep.payments.world.settle()
    sweep.payments.world.double.driver.change(customer, silent=True, name="Jane Doe")
    found = await sweep.found()
    assert found["name"][:2] == (None, None), "that it differs is told, and not what stands there"


async def test_a_braintree_that_is_away_keeps_nobody_from_looking_at_stripe(sweep: Sweeping) -> None:
    await pays_with_everything(sweep)
    customer = (await sweep.payments.customer())["id"]
    sweep.payments.world.double.driver.change(customer, silent=True, name="Eve")
    for _ in range(2):
        sweep.payments.vault.driver.fault("error_500_before", method="GET", path="/customers")
        await sweep.member.examination.look(sweep.payments.account, Counts())
    assert set(await sweep.reported()) == {"name"}
    assert await sweep.payments.world.connection.fetchval("SELECT count(*) FROM drift_suspects") == 1


async def test_an_account_that_stripe_refuses_to_show_is_come_back_to(
    sweep: Sweeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> None:
        raise RefusedError(Refused("Stripe: not for this key", 403, "permission_error"))

    monkeypatch.setattr(customers, "retrieve", refused)
    await sweep.member.examination.look(sweep.payments.account, Counts())
    due = await sweep.payments.world.connection.fetchval(
        "SELECT due_at > now() + interval '5 minutes' FROM drift_suspects"
    )
    assert due is True


async def test_an_account_that_was_linked_to_another_customer_and_back_agrees_again(sweep: Sweeping) -> None:
    subscription = await pays_with_everything(sweep)
    payments, former = sweep.payments, (await sweep.payments.customer())["id"]
    other = str(stripe(payments, "/v1/customers", name="Ada")["id"])
    for there, before in ((other, former), (former, other)):
        await payments.ask(LinkStripeCustomer(customer_id=there, expected_customer_id=before))
        await payments.world.settle()
    default = (await payments.customer())["invoice_settings"]["default_payment_method"]
    assert [default] == attached(payments)
    assert (await payments.mirrored()).subscriptions[subscription].live
    assert len([one for one in (await payments.kept()).methods.values() if not one.gone]) == 2
    assert await sweep.found() == {}
