"""The public API's own Python client with payment methods, unchanged but for its base URL and token."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import cloudflare
import pytest
import pytest_asyncio
from cloudflare import AsyncCloudflare, Cloudflare

from state.postgres.connection import Connection
from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest
from tests.producers.performing import NOW, Performer, nonce
from tests.producers.surfaces import Caller
from topics.payment_methods import MethodKind, SetupStarted

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.stack]


@pytest_asyncio.fixture(loop_scope="session")
async def performer(stack: Stack, lane: LaneUnderTest, dashboard: Caller) -> AsyncIterator[Performer]:
    connection: Connection = await asyncpg.connect(stack.database_url)
    yield Performer(lane, connection, dashboard.account_id)
    await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def client(dashboard: Caller) -> AsyncIterator[AsyncCloudflare]:
    async with AsyncCloudflare(api_token=dashboard.secret, base_url=f"{dashboard.url}/client/v4") as found:
        yield found


async def test_the_async_client_goes_through_the_life_of_payment_methods(
    client: AsyncCloudflare, dashboard: Caller, performer: Performer
) -> None:
    methods, account_id = client.accounts.payment_methods, dashboard.account_id
    adding = asyncio.create_task(
        methods.create(account_id=account_id, type="CREDIT_CARD", payment_nonce=nonce(), first_name="Ada")
    )
    await performer.keeps()
    card = await adding
    assert (card.type, card.last_four, card.expiration_date, card.default, card.first_name) == (
        "CREDIT_CARD",
        "4242",
        "12/2030",
        True,
        "Ada",
    )
    vaulting = asyncio.create_task(
        methods.create(
            account_id=account_id, type="PAYPAL", payment_nonce="n", device_data="{}", default=True
        )
    )
    await performer.keeps(MethodKind.PAYPAL)
    paypal = await vaulting
    assert (paypal.payment_account_email, paypal.default) == ("payer@example.com", True)
    listed = [one.id async for one in methods.list(account_id=account_id, per_page=5)]
    assert listed == [paypal.id, card.id]
    assert card.id is not None
    shown = await methods.get(card.id, account_id=account_id)
    assert shown.default is False
    edited = await methods.update(card.id, account_id=account_id, nick_name="Spare")
    assert edited.nick_name == "Spare"
    chosen = await methods.set_as_default(card.id, account_id=account_id)
    assert chosen is not None
    await methods.delete(card.id, account_id=account_id)
    with pytest.raises(cloudflare.NotFoundError):
        await methods.get(card.id, account_id=account_id)


async def test_the_sync_client_reads_and_is_refused_in_its_own_way(
    dashboard: Caller, performer: Performer
) -> None:
    def life() -> str:
        with Cloudflare(api_token=dashboard.secret, base_url=f"{dashboard.url}/client/v4") as client:
            methods, account_id = client.accounts.payment_methods, dashboard.account_id
            made = methods.create(account_id=account_id, type="CREDIT_CARD", payment_nonce=nonce())
            assert [one.id for one in methods.list(account_id=account_id)] == [made.id]
            with pytest.raises(cloudflare.BadRequestError) as wrong:
                methods.create(account_id=account_id, type="CREDIT_CARD", payment_nonce="4242424242424242")
            assert wrong.value.errors[0].code == 1400
            return str(made.id)

    adding = asyncio.create_task(asyncio.to_thread(life))
    kept = await performer.keeps()
    assert await adding == kept


async def test_client_secrets_come_in_both_of_the_client_s_ways(
    client: AsyncCloudflare, dashboard: Caller, performer: Performer
) -> None:
    started = SetupStarted(setup_intent="seti_1", deadline=NOW.at)
    asked = asyncio.create_task(client.accounts.client_secret.create(account_id=dashboard.account_id))
    effect = await performer.owed()
    await performer.hand_over(effect, "seti_1_secret_a")
    await performer.conclude(effect, started)
    secret = await asked
    assert secret is not None
    assert secret.client_secret == "seti_1_secret_a"
    beside = asyncio.create_task(
        client.billing.profiles.payment_method.create(account_id=dashboard.account_id)
    )
    effect = await performer.owed()
    await performer.hand_over(effect, "seti_1_secret_b")
    await performer.conclude(effect, started)
    found = await beside
    assert found is not None
    assert (found.client_secret, found.intent_type) == ("seti_1_secret_b", "setup_intent")
