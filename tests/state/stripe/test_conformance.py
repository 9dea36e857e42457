"""Everything our client can send is accepted by Stripe's own stripe-mock, which knows Stripe's OpenAPI."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from handlers.accounts import AccountRecord
from handlers.payment_method import NO_METHODS
from handlers.profiles import NOTHING, Profile
from handlers.stripe_projection import bare, project
from sandbox.stripe import mock
from sandbox.stripe.mock import Mock
from state.stripe import customers, events, payment_methods, setup_intents, subscriptions
from state.stripe.answers import Done
from state.stripe.client import Caller
from state.stripe.customers import parameters
from state.stripe.payment_methods import TYPES
from state.stripe.subscriptions import Subscription
from tests.stripe_double import Double
from topics.accounts import AccountType
from topics.payment_methods import CollectionMethod, MethodKind

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
ACCOUNT = "a" * 32
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RECORD = AccountRecord(AccountType.PAY_GO, 1 << 15, 1, None, NOW, NOW)
FULL = dict.fromkeys(NOTHING, "x") | {
    "country": "DE",
    "telephone": "+4930123456",
    "billing_email": "ada@example.com",
    "preferred_locale": "de-DE",
    "vat": "DE136695976",
    "tax_id_type": "eu_vat",
}
WITH_A_PROFILE = Profile(FULL, 1, NOW, NOW)
PROFILES = (None, WITH_A_PROFILE, replace(WITH_A_PROFILE, fields=NOTHING, deleted_on=NOW))
ENDPOINTS = {
    customers.CREATE,
    customers.LIST,
    customers.UPDATE,
    customers.RETRIEVE,
    customers.DELETE,
    customers.CREATE_TAX_ID,
    customers.DELETE_TAX_ID,
}


@pytest.fixture(scope="module")
def judge() -> Iterator[Mock]:
    """stripe-mock."""
    running = mock.start()
    yield running
    running.stop()


async def test_every_request_we_can_send_is_one_that_stripe_knows(
    ask: Caller, double: Double, judge: Mock
) -> None:
    made = await customers.create(ask, parameters(bare(ACCOUNT)), key="c")
    assert isinstance(made, Done)
    for n, profile in enumerate(PROFILES):
        given = parameters(project(ACCOUNT, RECORD, profile, NO_METHODS))
        assert isinstance(await customers.update(ask, made.value.id, given, key=f"u{n}"), Done)
    tax_id = await customers.create_tax_id(ask, made.value.id, "eu_vat", "DE136695976", key="t")
    assert isinstance(tax_id, Done)
    await customers.retrieve(ask, made.value.id)
    await customers.listed(ask, created_from=NOW, after=made.value.id)
    await customers.delete_tax_id(ask, made.value.id, tax_id.value.id)
    await customers.delete(ask, made.value.id)
    sent = double.driver.requests()
    assert {one["endpoint"] for one in sent} == ENDPOINTS
    for one in sent:
        assert one["status"] == 200
        judge.assert_accepted(one["method"], one["path"], one["encoded"])


async def test_what_a_sweep_asks_is_what_stripe_knows(ask: Caller, double: Double, judge: Mock) -> None:
    made = await customers.create(ask, parameters(bare(ACCOUNT)), key="c")
    assert isinstance(made, Done)
    assert isinstance(await customers.page(ask), Done)
    assert isinstance(await customers.page(ask, after=made.value.id), Done)
    assert isinstance(await subscriptions.page(ask), Done)
    told = await events.listed(ask, since=NOW, until=datetime(2100, 1, 1, tzinfo=UTC))
    assert isinstance(told, Done)
    assert [(one.type, one.customer_id) for one in told.value] == [("customer.created", made.value.id)]
    sent = double.driver.requests()
    assert {one["endpoint"] for one in sent} == {
        customers.CREATE,
        customers.LIST,
        subscriptions.LIST,
        events.LIST,
    }
    for one in sent:
        judge.assert_accepted(one["method"], one["path"], one["encoded"])


PAYMENTS = {
    setup_intents.CREATE,
    setup_intents.RETRIEVE,
    setup_intents.CANCEL,
    setup_intents.LIST,
    payment_methods.RETRIEVE,
    payment_methods.UPDATE,
    payment_methods.DETACH,
    payment_methods.LIST,
    subscriptions.RETRIEVE,
    subscriptions.UPDATE,
    subscriptions.LIST,
    customers.UPDATE,
}


async def test_every_request_about_payments_is_one_that_stripe_knows(
    ask: Caller, double: Double, judge: Mock
) -> None:
    made = await customers.create(ask, {**parameters(bare(ACCOUNT)), "email": "ada@example.com"}, key="c")
    assert isinstance(made, Done)
    customer_id, told = made.value.id, {"account_id": ACCOUNT, "operation": "o"}
    kept = await setup_intents.create(
        ask, setup_intents.confirmed(customer_id, "pm_card_visa", "card", told), key="k"
    )
    opened = await setup_intents.create(ask, setup_intents.opened(customer_id, told), key="o")
    assert isinstance(kept, Done)
    assert isinstance(opened, Done)
    method = str(kept.value.payment_method)
    await setup_intents.retrieve(ask, kept.value.id)
    await setup_intents.cancel(ask, opened.value.id, key="x")
    await setup_intents.listed(ask, customer_id, created_from=NOW, after=opened.value.id)
    await customers.choose_default(ask, customer_id, method, key="d")
    await customers.choose_default(ask, customer_id, None, key="n")
    await payment_methods.update(ask, method, {"metadata": {"account_id": ACCOUNT}}, key="u")
    await payment_methods.listed(ask, customer_id)
    await payment_methods.retrieve(ask, method)
    await _with_a_subscription(ask, customer_id)
    await payment_methods.detach(ask, method, key="g")
    about = [one for one in double.driver.requests() if one["endpoint"] in PAYMENTS]
    assert {one["endpoint"] for one in about} == PAYMENTS
    for one in about:
        assert one["status"] == 200, one
        judge.assert_accepted(one["method"], one["path"], one["encoded"])


async def _with_a_subscription(ask: Caller, customer_id: str) -> None:
    recurring = {"interval": "month"}
    price = await ask.stripe.sdk.v1.prices.create_async(
        {"currency": "usd", "unit_amount": 2000, "recurring": recurring, "product_data": {"name": "Pro"}}  # type: ignore[typeddict-item]
    )
    found = await ask.stripe.sdk.v1.subscriptions.create_async(
        {
            "customer": customer_id,
            "items": [{"price": price.id}],
            "collection_method": "send_invoice",
            "days_until_due": 3,
        }
    )
    for wanted in (CollectionMethod.SEND_INVOICE, CollectionMethod.CHARGE_AUTOMATICALLY):
        answer = await subscriptions.collect_by(ask, found.id, wanted, 7, key=wanted.value)
        assert isinstance(answer, Done)
        assert isinstance(answer.value, Subscription)
        assert answer.value.collection_method is wanted
    await subscriptions.retrieve(ask, found.id)
    await subscriptions.listed(ask, customer_id)


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind is not MethodKind.CREDIT_CARD])
async def test_kinds_that_are_debited_come_with_a_mandate_that_stripe_knows(
    kind: MethodKind, judge: Mock
) -> None:
    params = setup_intents.confirmed("cus_1", "pm_1", TYPES[kind], {"account_id": ACCOUNT})
    assert params["mandate_data"] == {"customer_acceptance": {"type": "offline"}}
    form = (
        "customer=cus_1&usage=off_session&payment_method=pm_1&confirm=true"
        f"&payment_method_types[0]={TYPES[kind]}&mandate_data[customer_acceptance][type]=offline"
    )
    judge.assert_accepted("POST", "/v1/setup_intents", form)
