"""The public API's own Python client, unchanged but for its base URL and token."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import cloudflare
import pytest
import pytest_asyncio
from cloudflare import AsyncCloudflare, Cloudflare

from state.postgres.connection import Connection
from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest
from tests.producers.surfaces import PROFILE, Caller, dashboard_caller, settings, token

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


@contextmanager
def sync_client(caller: Caller, secret: str | None = None) -> Iterator[Cloudflare]:
    with Cloudflare(api_token=secret or caller.secret, base_url=f"{caller.url}/client/v4") as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def client(dashboard: Caller) -> AsyncIterator[AsyncCloudflare]:
    async with AsyncCloudflare(api_token=dashboard.secret, base_url=f"{dashboard.url}/client/v4") as found:
        yield found


async def test_the_async_client_goes_through_the_life_of_a_profile(
    client: AsyncCloudflare, dashboard: Caller
) -> None:
    profiles, account_id = client.billing.profiles, dashboard.account_id
    created = await profiles.create(account_id=account_id, cf_turnstile_response="solved", **PROFILE)
    assert (created.id, created.first_name, created.account_type) == (account_id, "Ada", "pay_go")
    shown = await profiles.get(account_id=account_id)
    assert shown.model_dump() == created.model_dump()
    assert shown.created_on is not None
    replaced = await profiles.update(account_id=account_id, **{**PROFILE, "first_name": "Augusta"})
    assert replaced.first_name == "Augusta"
    patched = await profiles.update_billing_email(account_id=account_id, billing_email="new@example.com")
    assert patched.id == account_id
    await profiles.delete(account_id=account_id)
    with pytest.raises(cloudflare.NotFoundError):
        await profiles.get(account_id=account_id)


async def test_the_sync_client_goes_through_the_life_of_a_profile(dashboard: Caller) -> None:
    def life() -> None:
        with sync_client(dashboard) as client:
            profiles, account_id = client.billing.profiles, dashboard.account_id
            assert profiles.create(account_id=account_id, **PROFILE).id == account_id
            assert profiles.get(account_id=account_id).last_name == "Lovelace"
            assert (
                profiles.update(account_id=account_id, **{**PROFILE, "company": "Engines"}).company
                == "Engines"
            )
            profiles.update_billing_email(account_id=account_id, preferred_locale="de-DE")
            profiles.delete(account_id=account_id)
            with pytest.raises(cloudflare.NotFoundError) as absent:
                profiles.get(account_id=account_id)
            assert absent.value.errors[0].code == 1404

    await asyncio.to_thread(life)


async def test_addresses_are_validated_for_both_clients(client: AsyncCloudflare, dashboard: Caller) -> None:
    address: dict[str, Any] = {
        "address": "1 Main St",
        "city": "springfield",
        "state": "IL",
        "zipcode": "62701",
        "country": "US",
    }
    found = await client.billing.address_validation(**address)
    assert found.validated_addresses is not None
    assert found.validated_addresses[0].city == "Springfield"

    def ask() -> object:
        with sync_client(dashboard) as sync:
            return sync.billing.address_validation(**address)

    assert await asyncio.to_thread(ask) == found


async def test_refusals_are_raised_as_its_own_exceptions(
    client: AsyncCloudflare, dashboard: Caller, connection: Connection
) -> None:
    profiles, account_id = client.billing.profiles, dashboard.account_id
    with pytest.raises(cloudflare.BadRequestError) as bad:
        await profiles.create(account_id=account_id, **{**PROFILE, "zipcode": "x"})
    source = bad.value.errors[0].source
    assert source is not None
    assert source.pointer == "/zipcode"
    await profiles.create(account_id=account_id, **PROFILE)
    with pytest.raises(cloudflare.ConflictError) as conflict:
        await profiles.create(account_id=account_id, **PROFILE)
    assert conflict.value.errors[0].code == 1313
    with pytest.raises(cloudflare.NotFoundError):
        await profiles.get(account_id="0" * 32)
    with pytest.raises(cloudflare.AuthenticationError):
        await client.with_options(api_token="wrong").billing.profiles.get(account_id=account_id)
    reader = await token(connection, account_id, scopes=["Billing Read"])
    with pytest.raises(cloudflare.PermissionDeniedError):
        await client.with_options(api_token=reader).billing.profiles.delete(account_id=account_id)


async def test_a_refused_command_is_not_sent_again_by_the_client(
    client: AsyncCloudflare, dashboard: Caller, connection: Connection
) -> None:
    """By itself the client repeats 409, 429 and 5xx, each time as a new command without a key."""
    await client.billing.profiles.create(account_id=dashboard.account_id, **PROFILE)
    with pytest.raises(cloudflare.ConflictError):
        await client.with_options(max_retries=3).billing.profiles.create(
            account_id=dashboard.account_id, **PROFILE
        )
    journaled = await connection.fetchval(
        "SELECT count(*) FROM journal WHERE account_id = $1", dashboard.account_id
    )
    assert journaled == 2


async def test_an_unreachable_broker_is_an_internal_server_error_to_it(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    cut = settings(stack, lane, kafka_bootstrap="127.0.0.1:1", publish_seconds=0.3)
    async with (
        dashboard_caller(cut, connection) as caller,
        AsyncCloudflare(api_token=caller.secret, base_url=f"{caller.url}/client/v4", max_retries=0) as client,
    ):
        with pytest.raises(cloudflare.InternalServerError) as error:
            await client.billing.profiles.create(account_id=caller.account_id, **PROFILE)
        assert error.value.status_code == 503
        assert error.value.errors[0].code == 1503
