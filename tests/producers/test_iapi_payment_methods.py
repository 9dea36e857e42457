"""Payment methods for other services: list, default, the gate, and how subscriptions are collected."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from handlers.subscription import Subscription, Subscriptions
from state.postgres import subscriptions
from state.postgres.connection import Connection
from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest, account_id
from tests.producers.performing import Performer, nonce
from tests.producers.surfaces import Caller
from topics.payment_methods import CollectionMethod, MethodKind
from topics.subscriptions import SubscriptionItem, SubscriptionStatus

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.stack]


@pytest_asyncio.fixture(loop_scope="session")
async def store(stack: Stack) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(stack.database_url)
    yield connection
    await connection.close()


@pytest.fixture
def performer(lane: LaneUnderTest, store: Connection, iapi: Caller) -> Performer:
    return Performer(lane, store, iapi.account_id)


async def added(performer: Performer, iapi: Caller, kind: str = "CREDIT_CARD") -> str:
    given = {"type": kind, "payment_nonce": nonce()}
    asked = asyncio.create_task(iapi.http.post(iapi.internal("payment-methods"), json=given))
    method_id = await performer.keeps(MethodKind(kind))
    assert (await asked).json()["result"]["status"] == "active"
    return method_id


async def subscribed(store: Connection, account: str, **fields: Any) -> None:
    one = Subscription(
        id="sub_1",
        customer_id="cus_A",
        status=SubscriptionStatus.ACTIVE,
        collection_method=CollectionMethod.CHARGE_AUTOMATICALLY,
        version=1,
        edited_on=datetime.now(UTC),
        items=(SubscriptionItem(id="si_1", price="price_1", unit_amount=2000, currency="usd"),),
    )
    one = replace(one, **fields)
    await subscriptions.save(store, {account: Subscriptions({"sub_1": one}, frozenset({"sub_1"}))})


async def code(answer: Any) -> tuple[int, int]:
    return answer.status_code, answer.json()["errors"][0]["code"]


async def test_without_a_method_the_gate_is_shut_and_says_what_to_do(iapi: Caller) -> None:
    answer = await iapi.http.post(iapi.internal("payment-methods/check"))
    assert await code(answer) == (402, 1210)
    assert "client secret" in answer.json()["errors"][0]["message"]
    assert await code(await iapi.http.get(iapi.internal("payment-methods/default"))) == (404, 1404)


async def test_with_a_method_the_gate_is_open(iapi: Caller, performer: Performer) -> None:
    method_id = await added(performer, iapi)
    answer = await iapi.http.post(iapi.internal("payment-methods/check"), json={})
    assert answer.json()["result"] == {"passes": True, "method_id": method_id}
    default = (await iapi.http.get(iapi.internal("payment-methods/default"))).json()["result"]
    listed = (await iapi.http.get(iapi.internal("payment-methods"))).json()
    assert (default["id"], listed["result"], listed["result_info"]["total_count"]) == (
        method_id,
        [default],
        1,
    )


async def test_the_collection_method_says_why_and_where_stripe_has_it_otherwise(
    iapi: Caller, performer: Performer, store: Connection
) -> None:
    path = iapi.internal("collection-method")
    await subscribed(store, iapi.account_id)
    plain = (await iapi.http.get(path)).json()["result"]
    assert (plain["collection_method"], plain["subscriptions"][0]["agrees"]) == ("charge_automatically", True)
    await added(performer, iapi, "PAYPAL")
    sent = (await iapi.http.get(path)).json()["result"]
    assert (sent["collection_method"], sent["subscriptions"][0]["agrees"]) == ("send_invoice", False)
    assert "PayPal" in sent["reason"]
    assert (await iapi.http.post(f"{path}/reconcile")).json()["result"] == {"reconciling": True}
    kinds = await store.fetch("SELECT kind FROM effects WHERE account_id = $1", iapi.account_id)
    assert {"stripe.align_payments", "braintree.align_payments"} <= {row["kind"] for row in kinds}


@pytest.mark.parametrize(("days", "agrees"), [(None, False), (30, False), (7, True)])
async def test_the_collection_method_shows_the_term_that_invoices_have_beside_the_one_they_shall_have(
    iapi: Caller, performer: Performer, store: Connection, days: int | None, agrees: bool
) -> None:
    await added(performer, iapi, "PAYPAL")
    await subscribed(
        store, iapi.account_id, collection_method=CollectionMethod.SEND_INVOICE, days_until_due=days
    )
    shown = (await iapi.http.get(iapi.internal("collection-method"))).json()["result"]
    (one,) = shown["subscriptions"]
    assert (shown["days_until_due"], one["days_until_due"], one["agrees"]) == (7, days, agrees)


async def test_the_collection_method_shows_a_payment_method_that_a_subscription_has_of_its_own(
    iapi: Caller, performer: Performer, store: Connection
) -> None:
    await added(performer, iapi)
    await subscribed(store, iapi.account_id, default_payment_method="pm_other")
    shown = (await iapi.http.get(iapi.internal("collection-method"))).json()["result"]
    (one,) = shown["subscriptions"]
    assert (shown["days_until_due"], one["days_until_due"]) == (None, None)
    assert (one["default_payment_method"], one["agrees"]) == ("pm_other", False)


async def test_the_only_method_of_a_paid_subscription_stays(
    iapi: Caller, performer: Performer, store: Connection
) -> None:
    method_id = await added(performer, iapi)
    await subscribed(store, iapi.account_id)
    answer = await iapi.http.delete(iapi.internal(f"payment-methods/{method_id}"))
    assert await code(answer) == (409, 1306)


async def test_expired_cards_keep_nobody_from_adding_one_and_removing_them(
    iapi: Caller, performer: Performer, store: Connection
) -> None:
    old = [await added(performer, iapi), await added(performer, iapi)]
    await subscribed(store, iapi.account_id)
    await store.execute(
        "UPDATE payment_methods SET state = 'expired', is_default = false WHERE account_id = $1",
        iapi.account_id,
    )
    assert await code(await iapi.http.delete(iapi.internal(f"payment-methods/{old[0]}"))) == (409, 1306)
    assert await code(await iapi.http.post(iapi.internal("payment-methods/check"))) == (402, 1210)
    await added(performer, iapi)
    for method_id in old:
        assert (await iapi.http.delete(iapi.internal(f"payment-methods/{method_id}"))).status_code == 200


async def test_methods_are_chosen_and_removed(iapi: Caller, performer: Performer) -> None:
    first, second = await added(performer, iapi), await added(performer, iapi)
    await iapi.http.post(iapi.internal(f"payment-methods/{second}/set-as-default"))
    default = (await iapi.http.get(iapi.internal("payment-methods/default"))).json()["result"]
    assert default["id"] == second
    third = await iapi.http.post(
        iapi.internal("payment-methods"), json={"type": "CREDIT_CARD", "payment_nonce": nonce()}
    )
    assert await code(third) == (409, 1305)
    await iapi.http.delete(iapi.internal(f"payment-methods/{first}"))
    left = (await iapi.http.get(iapi.internal("payment-methods"))).json()["result"]
    assert [one["id"] for one in left] == [second]


async def test_the_billing_state_has_methods_and_collection(iapi: Caller, performer: Performer) -> None:
    method_id = await added(performer, iapi)
    state = (await iapi.http.get(iapi.internal("billing-state"))).json()["result"]
    assert [one["id"] for one in state["payment_methods"]] == [method_id]
    assert state["collection"]["collection_method"] == "charge_automatically"


async def test_an_account_nobody_has_is_not_found(iapi: Caller) -> None:
    nobody = f"/internal/v1/accounts/{account_id()}"
    for path in ("payment-methods", "payment-methods/default", "collection-method"):
        assert await code(await iapi.http.get(f"{nobody}/{path}")) == (404, 1404)
    assert await code(await iapi.http.post(f"{nobody}/payment-methods/check")) == (404, 1404)
