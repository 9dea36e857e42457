"""A profile is shown with copies of the default payment method, wherever it is shown."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from cloudflare import AsyncCloudflare

from producers.profile_copies import NO_COPIES, ProfileCopies
from state.postgres.connection import Connection
from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest
from tests.producers.performing import Performer, nonce
from tests.producers.surfaces import PROFILE, Caller
from topics.payment_methods import MethodKind

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.stack]

ON_CARD = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "address": "1 Navy Yard",
    "address2": "Pier 2",
    "city": "Arlington",
    "state": "VA",
    "zipcode": "22201",
    "country": "US",
}
CARD: dict[str, Any] = {
    "card_number": "xxxx-xxxx-xxxx-4242",
    "card_expiry_month": 12,
    "card_expiry_year": 2030,
    "payment_email": None,
    **{f"payment_{name}": value for name, value in ON_CARD.items()},
}
PAYPAL: dict[str, Any] = {**NO_COPIES, "payment_email": "payer@example.com"}


@pytest_asyncio.fixture(loop_scope="session")
async def store(stack: Stack) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(stack.database_url)
    yield connection
    await connection.close()


async def added(performer: Performer, caller: Caller, path: str, **given: Any) -> str:
    """The id of a method that its processor kept."""
    kind = given.setdefault("type", "CREDIT_CARD")
    asked = asyncio.create_task(caller.http.post(path, json={"payment_nonce": nonce(), **given}))
    method_id = await performer.keeps(MethodKind(kind))
    assert (await asked).status_code == 200
    return method_id


def copied(result: dict[str, Any]) -> dict[str, Any]:
    """The copies that an answer has, and no field that it lacks."""
    return {name: result[name] for name in NO_COPIES if name in result}


async def told(caller: Caller, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The copies in an answer."""
    answer = await caller.http.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    return copied(answer.json()["result"])


async def test_the_dashboard_follows_the_default_method(
    dashboard: Caller, lane: LaneUnderTest, store: Connection
) -> None:
    performer = Performer(lane, store, dashboard.account_id)
    methods = f"/client/v4/accounts/{dashboard.account_id}/payment-methods"
    profile = dashboard.profile
    assert await told(dashboard, "POST", profile, PROFILE) == NO_COPIES
    assert await told(dashboard, "GET", profile) == NO_COPIES
    card = await added(performer, dashboard, methods, **ON_CARD)
    assert await told(dashboard, "GET", profile) == CARD
    agreement = await added(performer, dashboard, methods, type="PAYPAL")
    assert await told(dashboard, "GET", profile) == CARD
    assert (await dashboard.http.post(f"{methods}/{agreement}/set-as-default")).status_code == 200
    assert await told(dashboard, "GET", profile) == PAYPAL
    assert (await dashboard.http.delete(f"{methods}/{agreement}")).status_code == 200
    assert await told(dashboard, "GET", profile) == CARD
    assert await told(dashboard, "PUT", profile, {**PROFILE, "company": "Engines"}) == CARD
    patched = await dashboard.http.patch(profile, json={"preferred_locale": "de-DE"})
    assert copied(patched.json()["result"]) == CARD
    operation = f"/client/v4/operations/{patched.headers['Operation-Id']}"
    assert (await dashboard.http.delete(f"{methods}/{card}")).status_code == 200
    assert await told(dashboard, "GET", profile) == NO_COPIES
    decided = (await dashboard.http.get(operation)).json()["result"]["result"]
    assert decided == patched.json()["result"]


async def test_the_iapi_shows_them_wherever_it_shows_the_profile(
    iapi: Caller, lane: LaneUnderTest, store: Connection
) -> None:
    performer = Performer(lane, store, iapi.account_id)
    profile, methods = iapi.internal("billing-profile"), iapi.internal("payment-methods")
    assert await told(iapi, "PUT", profile, PROFILE) == NO_COPIES
    assert await told(iapi, "GET", profile) == NO_COPIES
    agreement = await added(performer, iapi, methods, type="PAYPAL")
    assert await told(iapi, "GET", profile) == PAYPAL
    assert await told(iapi, "PUT", profile, {**PROFILE, "company": "Engines"}) == PAYPAL
    assert await told(iapi, "PATCH", profile, {"preferred_locale": "de-DE"}) == PAYPAL
    tried = await iapi.http.post(f"{profile}/validate", json=PROFILE)
    assert copied(tried.json()["result"]["result"]) == PAYPAL
    state = await iapi.http.get(iapi.internal("billing-state"))
    assert copied(state.json()["result"]["billing_profile"]) == PAYPAL
    assert (await iapi.http.delete(f"{methods}/{agreement}")).status_code == 200
    assert await told(iapi, "GET", profile) == NO_COPIES
    state = await iapi.http.get(iapi.internal("billing-state"))
    assert copied(state.json()["result"]["billing_profile"]) == NO_COPIES


async def a_profile_with_a_card(dashboard: Caller, lane: LaneUnderTest, store: Connection) -> None:
    """Ada's profile, and a card that is charged first."""
    performer = Performer(lane, store, dashboard.account_id)
    await dashboard.http.post(dashboard.profile, json=PROFILE)
    methods = f"/client/v4/accounts/{dashboard.account_id}/payment-methods"
    await added(performer, dashboard, methods, **ON_CARD)


async def test_the_official_client_knows_every_one_of_them(
    dashboard: Caller, lane: LaneUnderTest, store: Connection
) -> None:
    await a_profile_with_a_card(dashboard, lane, store)
    async with AsyncCloudflare(api_token=dashboard.secret, base_url=f"{dashboard.url}/client/v4") as client:
        shown = await client.billing.profiles.get(account_id=dashboard.account_id)
    known = {name for name in type(shown).model_fields if name.startswith(("card_", "payment_"))}
    assert known == ProfileCopies.model_fields.keys()
    assert shown.model_dump(include=known) == CARD


async def test_a_profile_that_was_read_can_be_sent_back_and_its_copies_change_nothing(
    dashboard: Caller, lane: LaneUnderTest, store: Connection
) -> None:
    await a_profile_with_a_card(dashboard, lane, store)
    read = (await dashboard.http.get(dashboard.profile)).json()["result"]
    forged = {**read, "payment_city": "Elsewhere", "card_expiry_year": 2099}
    forged.pop("version")
    assert await told(dashboard, "PUT", dashboard.profile, forged) == CARD


@pytest.mark.parametrize("field", ["card_number", "payment_city"])
async def test_where_nothing_read_only_is_taken_they_are_not_either(
    dashboard: Caller, iapi: Caller, field: str
) -> None:
    for caller, method, path in (
        (dashboard, "PATCH", dashboard.profile),
        (iapi, "PUT", iapi.internal("billing-profile")),
        (iapi, "PATCH", iapi.internal("billing-profile")),
    ):
        refused = await caller.http.request(method, path, json={**PROFILE, field: "x"})
        assert refused.status_code == 400
        assert f"/{field}" in {error["source"]["pointer"] for error in refused.json()["errors"]}
