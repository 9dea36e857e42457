"""Payment methods at their processors: kept, declined, authenticated, aligned and let go, whatever goes wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from consumers.performers import braintree_vault
from handlers.payment_effects import VAULT_PAYPAL
from sandbox.stripe.world import API_KEY
from state.braintree import vault
from state.braintree.client import Caller
from tests.consumers.effects.payments import Payments
from tests.handlers.payment_worlds import agreement
from topics.observation import Observation
from topics.payment_methods import (
    AddPaymentMethod,
    BraintreeMethodObserved,
    CollectionMethod,
    MethodKind,
    MethodState,
    ReconcileCollectionMethod,
    RemovePaymentMethod,
    SetDefaultPaymentMethod,
    SetupDeadlinePassed,
    StartPaymentMethodSetup,
)
from topics.subscriptions import SubscriptionObserved, SubscriptionStatus

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


def stripe(payments: Payments, path: str, **form: Any) -> dict[str, Any]:
    """A request of somebody else to the double of Stripe."""
    answer = httpx.post(
        f"{payments.world.double.url}{path}", data=form, headers={"Authorization": f"Bearer {API_KEY}"}
    )
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def subscribed(payments: Payments) -> str:
    """The customer subscribes at Stripe; gives the subscription's id."""
    customer = await payments.customer()
    price = stripe(
        payments,
        "/v1/prices",
        **{
            "currency": "usd",
            "unit_amount": 2000,
            "recurring[interval]": "month",
            "product_data[name]": "Pro",
        },
    )
    return str(
        stripe(payments, "/v1/subscriptions", customer=customer["id"], **{"items[0][price]": price["id"]})[
            "id"
        ]
    )


async def collected(payments: Payments) -> dict[str, str]:
    return {one["id"]: one["collection_method"] for one in payments.objects("subscription")}


async def test_a_card_is_kept_as_the_default_at_stripe(payments: Payments) -> None:
    operation = await payments.adds()
    await payments.world.settle()
    outcome, _, answer = await payments.end(operation)
    method = await payments.only()
    assert (outcome, answer["id"], answer["last_four"]) == ("applied", method.id, "4242")
    customer = await payments.customer()
    assert customer["invoice_settings"]["default_payment_method"] == method.details.reference


async def test_a_card_that_is_sent_as_paypal_is_declined_for_good_and_let_go(payments: Payments) -> None:
    operation = await payments.ask(
        AddPaymentMethod(method_kind=MethodKind.PAYPAL), nonce="fake-valid-visa-nonce"
    )
    await payments.world.settle()
    outcome, code, answer = await payments.end(operation)
    assert (outcome, code) == ("refused", 1210)
    assert answer["message"].endswith("Connect PayPal, or add a card as a card.")
    assert "later" not in answer["message"]
    assert payments.vault.driver.methods() == []


async def test_an_account_without_a_customer_gets_one_with_its_first_card(payments: Payments) -> None:
    account = await payments.world.account()
    fresh = Payments(payments.world, payments.vault, account)
    operation = await fresh.adds()
    await fresh.world.settle()
    assert (await fresh.end(operation))[0] == "applied"
    assert (await fresh.customer())["metadata"]["account_id"] == account
    assert len(fresh.world.customers(account)) == 1


async def test_a_declined_card_leaves_nothing_behind(payments: Payments) -> None:
    operation = await payments.adds("pm_card_chargeDeclinedInsufficientFunds")
    await payments.world.settle()
    outcome, code, answer = await payments.end(operation)
    assert (outcome, code) == ("refused", 1210)
    assert "insufficient funds" in answer["message"]
    (gone,) = (await payments.kept()).methods.values()
    assert (gone.state, gone.released) == (MethodState.DETACHED, True)


async def test_a_customer_authenticates_in_time_or_the_setup_is_released(payments: Payments) -> None:
    operation = await payments.adds("pm_card_threeDSecure2Required")
    await payments.world.settle()
    _, _, answer = await payments.end(operation)
    assert (answer["status"], answer["client_secret"]) == ("requires_action", None)
    intent = (await payments.only()).setup_intent
    assert intent is not None
    secret = await payments.secret(operation)
    assert secret is not None
    assert secret.startswith(intent)
    await payments.world.say(payments.account, SetupDeadlinePassed(setup_intent=intent))
    await payments.world.settle()
    (intent_at_stripe,) = payments.objects("setup_intent")
    assert intent_at_stripe["status"] == "canceled"
    (method,) = (await payments.kept()).methods.values()
    assert method.state is MethodState.DETACHED


async def test_a_setup_hands_over_its_secret_and_no_record_has_it(payments: Payments) -> None:
    operation = await payments.ask(StartPaymentMethodSetup())
    await payments.world.settle()
    secret = await payments.secret(operation)
    assert secret is not None
    held = await payments.world.connection.fetchval(
        "SELECT count(*) FROM journal WHERE answer LIKE '%' || $1 || '%' OR body LIKE '%' || $1 || '%'",
        secret,
    )
    assert held == 0


async def test_of_three_secrets_at_one_card_only_the_last_can_be_confirmed(payments: Payments) -> None:
    await payments.adds()
    await payments.world.settle()
    for _ in range(3):
        await payments.ask(StartPaymentMethodSetup())
    await payments.world.settle()
    made = [one["status"] for one in payments.objects("setup_intent")]
    assert sorted(made) == ["canceled", "canceled", "requires_payment_method", "succeeded"]
    (last,) = [one for one in payments.objects("setup_intent") if one["status"] == "requires_payment_method"]
    stripe(payments, f"/v1/setup_intents/{last['id']}/confirm", payment_method="pm_card_mastercard")
    named = AddPaymentMethod(
        method_kind=MethodKind.CREDIT_CARD, setup_intent=last["id"], nick_name="Second card"
    )
    operation = await payments.ask(named)
    await payments.world.settle()
    assert (await payments.end(operation))[2]["nick_name"] == "Second card"
    assert len([one for one in (await payments.kept()).methods.values() if not one.gone]) == 2


@pytest.mark.parametrize(
    "fault", ["timeout_after_effect", "reset_after_effect", "error_500_after_effect", "error_500_stored"]
)
async def test_a_setup_whose_outcome_is_unknown_is_made_once(payments: Payments, fault: str) -> None:
    payments.world.stripe.timeout = 0.5
    payments.world.double.driver.fault(fault, method="POST", path="/v1/setup_intents")
    operation = await payments.adds()
    await payments.world.settle(rounds=40)
    assert (await payments.end(operation))[0] == "applied"
    succeeded = [one for one in payments.objects("setup_intent") if one["status"] == "succeeded"]
    assert len(succeeded) == 1


async def test_paypal_is_vaulted_once_and_every_subscription_is_sent(payments: Payments) -> None:
    await payments.adds()
    await payments.world.settle()
    first, second = await subscribed(payments), await subscribed(payments)
    operation = await payments.connects()
    await payments.world.settle()
    outcome, _, answer = await payments.end(operation)
    assert (outcome, answer["payment_email"]) == ("applied", "payer@example.com")
    (vaulted,) = payments.vault.driver.methods()
    assert (vaulted["token"], vaulted["customer_id"]) == (answer["id"], payments.account)
    assert await collected(payments) == {first: "send_invoice", second: "send_invoice"}
    assert (await payments.customer())["metadata"]["braintree_id"] == payments.account
    mirrored = (await payments.mirrored()).subscriptions.values()
    assert {one.collection_method for one in mirrored} == {CollectionMethod.SEND_INVOICE}


async def test_removing_paypal_empties_the_vault_and_has_stripe_charge_again(payments: Payments) -> None:
    await payments.adds()
    await payments.world.settle()
    subscription = await subscribed(payments)
    operation = await payments.connects()
    await payments.world.settle()
    method_id = (await payments.end(operation))[2]["id"]
    await payments.ask(RemovePaymentMethod(method_id=method_id))
    await payments.world.settle()
    assert payments.vault.driver.methods() == []
    assert await collected(payments) == {subscription: "charge_automatically"}
    assert (await payments.kept()).methods[method_id].released


async def test_a_revoked_agreement_flips_everything_back(payments: Payments) -> None:
    await payments.adds()
    await payments.world.settle()
    subscription = await subscribed(payments)
    operation = await payments.connects()
    await payments.world.settle()
    method_id = (await payments.end(operation))[2]["id"]
    payments.vault.driver.revoke(method_id)
    seen = Observation.model_validate_json('{"at":"2026-11-24T09:30:15Z","event_id":"n"}')
    await payments.world.say(
        payments.account, BraintreeMethodObserved(reference=method_id, seen=seen, revoked=True)
    )
    await payments.world.settle()
    assert await collected(payments) == {subscription: "charge_automatically"}
    assert (await payments.kept()).methods[method_id].state is MethodState.REVOKED


@pytest.mark.parametrize("fault", ["timeout_after_effect", "error_500_after_effect", "reset_before"])
async def test_an_agreement_whose_vaulting_is_unknown_is_vaulted_once(payments: Payments, fault: str) -> None:
    payments.world.braintree.gateway.config.timeout = 0.5
    payments.vault.driver.fault(fault, method="POST", path="/payment_methods")
    operation = await payments.connects()
    await payments.world.settle(rounds=40)
    assert (await payments.end(operation))[0] == "applied"
    made = [id_ for what, id_ in payments.vault.driver.ledger() if what == "payment_method.created"]
    assert len(made) == 1


async def test_a_nonce_that_got_lost_is_told_with_what_to_do(payments: Payments) -> None:
    operation = await payments.connects()
    await payments.world.redis.delete(f"handover:{operation}")
    await payments.world.settle()
    outcome, code, answer = await payments.end(operation)
    assert (outcome, code) == ("refused", 1210)
    assert "Connect PayPal again" in answer["message"]


async def test_a_used_nonce_is_declined(payments: Payments) -> None:
    operation = await payments.connects()
    await payments.world.redis.hset(f"handover:{operation}", "nonce", "fake-consumed-nonce")
    await payments.world.settle()
    assert (await payments.end(operation))[:2] == ("refused", 1210)


async def _tried_before(payments: Payments, operation: UUID) -> None:
    """An attempt ended without our learning how, and its nonce is used up since."""
    await payments.world.redis.hset(f"handover:{operation}", "nonce", "fake-consumed-nonce")
    await payments.world.connection.execute("UPDATE effects SET attempts = 1 WHERE kind = $1", VAULT_PAYPAL)


async def test_a_nonce_that_our_own_earlier_attempt_used_is_no_decline(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = vault.vault

    async def ends_meanwhile(ask: Caller, account_id: str, token: str, secrets: dict[str, str]) -> Any:
        answer = await original(ask, account_id, token, secrets)
        payments.vault.driver.fill(methods=[{"token": token, "customer_id": account_id}])
        return answer

    monkeypatch.setattr(vault, "vault", ends_meanwhile)
    operation = await payments.connects()
    await _tried_before(payments, operation)
    await payments.world.settle()
    assert (await payments.end(operation))[0] == "applied"


async def test_what_an_earlier_attempt_vaults_after_the_decline_is_let_go(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(braintree_vault, "LOOK_AGAIN", timedelta(milliseconds=10))
    operation = await payments.connects()
    await _tried_before(payments, operation)
    await payments.world.settle()
    assert (await payments.end(operation))[:2] == ("refused", 1210)
    (declined,) = (await payments.kept()).methods.values()
    payments.vault.driver.fill(methods=[{"token": declined.id, "customer_id": payments.account}])
    shown = agreement(declined.id)
    seen = Observation(at=datetime.now(UTC))
    await payments.world.say(
        payments.account, BraintreeMethodObserved(reference=declined.id, seen=seen, details=shown)
    )
    await payments.world.settle()
    assert payments.vault.driver.methods() == []


async def test_a_method_that_is_removed_while_it_is_kept_is_let_go(payments: Payments) -> None:
    await payments.adds()
    method = await payments.only()
    await payments.ask(RemovePaymentMethod(method_id=method.id))
    await payments.world.settle()
    assert [one["customer"] for one in payments.objects("payment_method")] in ([], [None])
    assert (await payments.kept()).methods[method.id].gone


async def test_what_was_changed_behind_our_back_is_brought_in_line(payments: Payments) -> None:
    await payments.adds()
    await payments.world.settle()
    subscription, customer = await subscribed(payments), await payments.customer()
    stripe(
        payments,
        f"/v1/subscriptions/{subscription}",
        collection_method="send_invoice",
        days_until_due=3,
    )
    stripe(payments, f"/v1/customers/{customer['id']}", **{"invoice_settings[default_payment_method]": ""})
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle()
    assert await collected(payments) == {subscription: "charge_automatically"}
    default = (await payments.customer())["invoice_settings"]["default_payment_method"]
    assert default == (await payments.only()).details.reference


async def test_the_default_moves_at_both_processors(payments: Payments) -> None:
    await payments.connects()
    await payments.world.settle()
    paypal = await payments.only()
    operation = await payments.adds(default=True)
    await payments.world.settle()
    card = (await payments.end(operation))[2]
    assert (card["default"], payments.vault.driver.methods()[0]["default"]) == (True, True)
    await payments.ask(SetDefaultPaymentMethod(method_id=paypal.id))
    await payments.world.settle()
    assert (await payments.kept()).methods[paypal.id].default


async def test_a_subscription_in_doubt_is_read(payments: Payments) -> None:
    await payments.adds()
    await payments.world.settle()
    subscription, customer = await subscribed(payments), await payments.customer()
    for name in ("e1", "e2"):
        seen = Observation.model_validate_json(f'{{"at":"2026-11-24T09:30:15Z","event_id":"{name}"}}')
        await payments.world.say(
            payments.account,
            SubscriptionObserved(
                subscription=subscription,
                customer_id=customer["id"],
                status=SubscriptionStatus.PAST_DUE,
                collection_method=CollectionMethod.CHARGE_AUTOMATICALLY,
                cancel_at_period_end=name == "e2",
                seen=seen,
            ),
        )
    await payments.world.settle()
    assert payments.world.double.asked("GET /v1/subscriptions/{subscription_exposed_id}")
