"""Everything our client can send is accepted by Stripe's own stripe-mock, which knows Stripe's OpenAPI."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from handlers.accounts import AccountRecord
from handlers.profiles import NOTHING, Profile
from handlers.stripe_projection import bare, project
from sandbox.stripe import mock
from sandbox.stripe.mock import Mock
from state.stripe import client
from state.stripe.answers import Done
from state.stripe.client import Caller
from state.stripe.customers import parameters
from tests.stripe_double import Double
from topics.accounts import AccountType

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
    client.CREATE,
    client.LIST,
    client.UPDATE,
    client.RETRIEVE,
    client.DELETE,
    client.CREATE_TAX_ID,
    client.DELETE_TAX_ID,
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
    made = await ask.create_customer(parameters(bare(ACCOUNT)), key="c")
    assert isinstance(made, Done)
    for n, profile in enumerate(PROFILES):
        given = parameters(project(ACCOUNT, RECORD, profile))
        assert isinstance(await ask.update_customer(made.value.id, given, key=f"u{n}"), Done)
    tax_id = await ask.create_tax_id(made.value.id, "eu_vat", "DE136695976", key="t")
    assert isinstance(tax_id, Done)
    await ask.retrieve_customer(made.value.id)
    await ask.list_customers(created_from=NOW, after=made.value.id)
    await ask.delete_tax_id(made.value.id, tax_id.value.id)
    await ask.delete_customer(made.value.id)
    sent = double.driver.requests()
    assert {one["endpoint"] for one in sent} == ENDPOINTS
    for one in sent:
        assert one["status"] == 200
        judge.assert_accepted(one["method"], one["path"], one["encoded"])
