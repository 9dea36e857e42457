"""Every other kind than cards that Stripe keeps: what the row says then, what is charged first, what is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from consumers.stripe_facts import told
from handlers.open_setups import AUTHENTICATION, VERIFICATION
from handlers.payment_method import ladder, view
from tests.consumers.effects.payments import Payments
from tests.consumers.effects.stripe_side import attached, stripe
from topics.observation import Observation
from topics.payment_methods import AddPaymentMethod, MethodKind, MethodState, SetDefaultPaymentMethod

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


@dataclass(frozen=True, slots=True)
class Case:
    """A kind: what Stripe's page is given, and what is known of the method then."""

    kind: MethodKind
    type: str
    given: Mapping[str, str]
    known: Mapping[str, str | None]
    waits: timedelta | None = None
    """How long its payer has to do something about it before it is kept; None for what is kept at once."""
    unique: bool = True
    """Whether Stripe says when two of them are the same account."""


CASES = (
    Case(
        MethodKind.SEPA_DEBIT,
        "sepa_debit",
        {"sepa_debit[iban]": "AT611904300234573201"},
        {"last_four": "3201", "bank_country": "AT", "bank_code": "19043"},
    ),
    Case(
        MethodKind.ACH_DIRECT_DEBIT,
        "us_bank_account",
        {
            "us_bank_account[account_number]": "000123456789",
            "us_bank_account[routing_number]": "110000000",
            "us_bank_account[account_type]": "savings",
            "us_bank_account[account_holder_type]": "individual",
        },
        {
            "last_four": "6789",
            "bank_name": "STRIPE TEST BANK",
            "bank_country": "US",
            "bank_code": "110000000",
            "bank_account_type": "savings",
        },
        waits=VERIFICATION,
    ),
    Case(MethodKind.CASHAPP, "cashapp", {}, {"cashtag": "$testcustomer"}, AUTHENTICATION, False),
    Case(MethodKind.LINK, "link", {}, {"payer_email": "link@example.com"}, None, False),
)
SHOWN = {
    **{name: name for name in ("last_four", "bank_name", "bank_country", "bank_code", "bank_account_type")},
    "payment_email": "payer_email",
    "payment_account_email": "payer_email",
    "cashapp_cash_tag": "cashtag",
    "brand": "brand",
    "wallet": "wallet",
}
"""The names of the public API, and ours."""
EVERY = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind.value)


def made(payments: Payments, case: Case) -> str:
    """A payment method, as a page of Stripe makes one."""
    billing = {"billing_details[name]": "Ada Lovelace", "billing_details[email]": "ada@example.com"}
    return str(stripe(payments, "/v1/payment_methods", type=case.type, **billing, **case.given)["id"])


@EVERY
async def test_a_kind_is_kept_with_what_identifies_it(payments: Payments, case: Case) -> None:
    reference = made(payments, case)
    operation = await payments.ask(
        AddPaymentMethod(method_kind=case.kind, payment_method=reference, nick_name="Ours")
    )
    await payments.world.settle()
    answer = (await payments.end(operation))[2]
    await answers(payments, case, operation)
    kept = await payments.only()
    assert (kept.state, kept.default, kept.deadline) == (MethodState.ACTIVE, True, None)
    details = kept.details.model_dump(exclude_none=True, exclude={"created_at", "fingerprint"})
    assert details == {"processor": "stripe", "kind": case.kind, "reference": reference, **case.known}
    assert bool(kept.details.fingerprint) is case.unique
    assert kept.details.created_at is not None
    assert await at_stripe(payments) == ([reference], reference)
    shown = view(kept)
    if not case.waits:
        assert {**answer, "client_secret": None} == {**shown, "client_secret": None}
    known = {name: case.known.get(ours) for name, ours in SHOWN.items()}
    fixed = {"type": case.kind.value, "status": "active", "default": True, "nick_name": "Ours"}
    assert {**shown, **known, **fixed, "payment_gateway": "STRIPE", "expiration_date": None} == shown


async def test_a_setup_that_an_earlier_attempt_made_waits_as_long_for_its_deposits(
    payments: Payments,
) -> None:
    """It is found in a list, which does not say what it waits for."""
    (case,) = (one for one in CASES if one.waits == VERIFICATION)
    payments.world.double.driver.fault("error_500_after_effect", method="POST", path="/v1/setup_intents$")
    operation = await payments.ask(
        AddPaymentMethod(method_kind=case.kind, payment_method=made(payments, case))
    )
    await payments.world.settle()
    await answers(payments, case, operation)
    assert len(payments.objects("setup_intent")) == 1


@pytest.mark.parametrize("wallet", ["apple_pay", "google_pay"])
async def test_a_wallet_gives_a_card_and_says_so(payments: Payments, wallet: str) -> None:
    """Stripe sees the card behind a wallet, and so do we: its own kind it has not."""
    reference = payments.world.double.driver.wallet(wallet, "tok_mastercard")
    operation = await payments.adds(reference)
    await payments.world.settle()
    answer = (await payments.end(operation))[2]
    kept = await payments.only()
    assert (kept.state, kept.details.kind) == (MethodState.ACTIVE, MethodKind.CREDIT_CARD)
    assert (kept.details.wallet, kept.details.brand, kept.details.last_four) == (wallet, "mastercard", "4444")
    assert (answer["type"], answer["wallet"], answer["last_four"]) == ("CREDIT_CARD", wallet, "4444")
    assert await at_stripe(payments) == ([reference], reference)


@EVERY
async def test_a_kind_has_its_place_on_the_ladder_and_can_be_chosen(payments: Payments, case: Case) -> None:
    await payments.adds()
    await payments.world.settle()
    card = await payments.only()
    reference = made(payments, case)
    operation = await payments.ask(AddPaymentMethod(method_kind=case.kind, payment_method=reference))
    await payments.world.settle()
    await answers(payments, case, operation)
    second = (await payments.kept()).referred(reference)
    assert second is not None
    assert [one.id for one in ladder(await payments.kept())] == [card.id, second.id]
    assert (await at_stripe(payments))[1] == card.details.reference
    await payments.ask(SetDefaultPaymentMethod(method_id=second.id))
    await payments.world.settle()
    assert [one.id for one in ladder(await payments.kept())] == [second.id, card.id]
    assert (await at_stripe(payments))[1] == reference


@EVERY
async def test_a_kind_that_a_page_confirmed_is_kept_by_its_setup(payments: Payments, case: Case) -> None:
    customer, reference = await payments.customer(), made(payments, case)
    setup = stripe(
        payments,
        "/v1/setup_intents",
        customer=customer["id"],
        payment_method=reference,
        confirm="true",
        **{"payment_method_types[]": case.type, "mandate_data[customer_acceptance][type]": "offline"},
    )
    operation = await payments.ask(AddPaymentMethod(method_kind=case.kind, setup_intent=setup["id"]))
    await payments.world.settle()
    await answers(payments, case, operation)
    kept = await payments.only()
    assert (kept.details.kind, kept.details.reference) == (case.kind, reference)
    assert (kept.state, kept.default) == (MethodState.ACTIVE, True)


async def test_a_kind_that_was_named_as_another_is_refused_and_not_attached(payments: Payments) -> None:
    for case in CASES:
        operation = await payments.ask(
            AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD, payment_method=made(payments, case))
        )
        await payments.world.settle()
        assert (await payments.end(operation))[:2] == ("refused", 1210)
    assert attached(payments) == []


async def answers(payments: Payments, case: Case, operation: UUID) -> None:
    """The payer does what the kind wants done, if anything, and both webhooks tell of it."""
    outcome, _, answer = await payments.end(operation)
    assert outcome == "applied"
    if case.waits is None:
        assert answer["status"] == "active"
        return
    assert answer["status"] == "requires_action"
    assert await payments.secret(operation) is not None
    (waiting,) = [
        one for one in (await payments.kept()).methods.values() if one.state is MethodState.PENDING_SETUP
    ]
    assert waiting.setup_intent is not None
    assert waiting.deadline is not None
    assert abs(waiting.deadline - datetime.now(UTC) - case.waits) < timedelta(minutes=5)
    url = f"{payments.world.double.url}/authenticate/{waiting.setup_intent}"
    assert httpx.post(url, params={"outcome": "complete"}, trust_env=False).is_success
    intent = next(one for one in payments.objects("setup_intent") if one["id"] == waiting.setup_intent)
    method = next(one for one in payments.objects("payment_method") if one["id"] == intent["payment_method"])
    for number, body in enumerate((method, intent)):
        seen = Observation(at=datetime.now(UTC), event_id=f"evt_{number}")
        fact = told("an event of it", body, seen)
        assert fact is not None
        await payments.world.say(payments.account, fact)
    await payments.world.settle()


async def at_stripe(payments: Payments) -> tuple[list[str], Any]:
    """What belongs to a customer there, and which is the default."""
    customer = await payments.customer()
    return attached(payments), customer["invoice_settings"]["default_payment_method"]
