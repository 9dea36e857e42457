"""What Stripe did and did not say: looked up before it is tried again (law 6)."""

import pytest

from tests.consumers.effects.world import World
from topics.profiles import DeleteProfile
from topics.stripe_customers import LinkStripeCustomer

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
CREATE = "POST /v1/customers"
UPDATE = "POST /v1/customers/{customer}"
DAY = 24 * 3600
FAULTS = (
    "timeout_before",
    "timeout_after_effect",
    "reset_before",
    "reset_after_effect",
    "error_500_before",
    "error_500_stored",
    "error_500_after_effect",
    "conflict_409",
    "lock_timeout",
    "rate_limit",
)


@pytest.fixture(autouse=True)
def impatient(world: World) -> None:
    """Silence is taken for a timeout soon."""
    world.stripe.timeout = 1.0


async def agreed(world: World, account: str) -> None:
    customer = world.only_customer(account)
    assert (await world.link(account)).customer_id == customer["id"]
    assert (await world.sync_state(account)).state == "synced"
    assert len(world.double.driver.objects("customer")) == 1


@pytest.mark.parametrize("kind", FAULTS)
async def test_a_creation_that_went_wrong_ends_in_one_customer(world: World, kind: str) -> None:
    world.double.driver.fault(kind, method="POST", path="/v1/customers$")
    account = await world.customer_of_ada()
    await world.settle()
    await agreed(world, account)


@pytest.mark.parametrize("kind", FAULTS)
async def test_an_update_that_went_wrong_ends_in_agreement(world: World, kind: str) -> None:
    account = await world.customer_of_ada()
    await world.settle()
    world.double.driver.fault(kind, method="POST", path="/v1/customers/cus_")
    await world.profile(account, city="Elsewhere")
    await world.settle()
    await agreed(world, account)
    assert world.only_customer(account)["address"]["city"] == "Elsewhere"


@pytest.mark.parametrize("kind", ["timeout_after_effect", "error_500_stored", "reset_before", "rate_limit"])
async def test_a_tax_id_whose_creation_went_wrong_is_there_once(world: World, kind: str) -> None:
    account = await world.account()
    berlin = {"country": "DE", "zipcode": "10115", "state": "", "city": "Berlin", "telephone": ""}
    world.double.driver.fault(kind, method="POST", path="/tax_ids$")
    await world.profile(account, **berlin, vat="DE136695976")
    await world.settle()
    await agreed(world, account)
    assert world.only_customer(account)["tax_ids"] == [("eu_vat", "DE136695976")]


async def test_an_update_that_was_done_without_a_word_is_found_and_not_made_again(world: World) -> None:
    account = await world.customer_of_ada()
    await world.settle()
    before = len(world.double.asked(UPDATE))
    world.double.driver.fault("timeout_after_effect", method="POST", path="/v1/customers/cus_")
    await world.profile(account, city="Elsewhere")
    await world.settle()
    assert len(world.double.asked(UPDATE)) == before + 1
    await agreed(world, account)


async def test_a_creation_is_repeated_with_the_same_key_and_the_same_words(world: World) -> None:
    world.double.driver.fault("timeout_after_effect", method="POST", path="/v1/customers$")
    account = await world.customer_of_ada()
    await world.profile(account, city="Changed meanwhile")
    await world.settle()
    first, second = world.double.asked(CREATE)
    assert first["idempotency_key"] == second["idempotency_key"] == f"customer:{account}:1"
    assert first["params"] == second["params"] == {"metadata": {"account_id": account}}
    assert second["replayed"]


async def test_an_answer_that_stripe_keeps_is_not_asked_for_for_ever(world: World) -> None:
    world.double.driver.fault("error_500_after_effect", method="POST", path="/v1/customers$")
    account = await world.customer_of_ada()
    await world.settle()
    assert len(world.double.asked(CREATE)) == 1
    await agreed(world, account)


async def made_in_the_dark(world: World, kind: str) -> str:
    """An account whose reservation is open, with a customer nobody noted or none; a day passes."""
    world.double.driver.fault(kind, method="POST", path="/v1/customers$")
    account = await world.customer_of_ada()
    async with world.member():
        await world.gone_wrong(account)
    await world.connection.execute(
        "UPDATE stripe_holdings SET reserved_at = reserved_at - interval '25 hours'"
    )
    world.double.driver.settings(clock_offset=DAY + 3600)
    await world.leases_run_out()
    return account


@pytest.mark.parametrize("kind", ["timeout_after_effect", "reset_after_effect", "reset_before"])
async def test_after_a_day_the_key_is_forgotten_and_the_customer_is_looked_up(
    world: World, kind: str
) -> None:
    account = await made_in_the_dark(world, kind)
    await world.settle()
    await agreed(world, account)


async def test_several_customers_found_for_one_account_become_one(world: World) -> None:
    twin = await world.free_customer()
    account = await made_in_the_dark(world, "reset_after_effect")
    world.double.driver.change(twin, metadata={"account_id": account})
    assert len(world.customers(account)) == 2
    await world.settle()
    await agreed(world, account)


async def test_a_found_customer_that_another_account_uses_is_left_to_it(world: World) -> None:
    account = await made_in_the_dark(world, "reset_before")
    other = await world.customer_of_ada()
    await world.settle_all_but(account)
    theirs = world.only_customer(other)["id"]
    world.double.driver.change(theirs, metadata={"account_id": account})
    await world.settle()
    assert (await world.link(other)).customer_id == theirs
    assert (await world.link(account)).customer_id not in (None, theirs)


async def test_a_reservation_of_an_account_that_lost_its_profile_is_still_brought_to_its_end(
    world: World,
) -> None:
    account = await made_in_the_dark(world, "timeout_after_effect")
    await world.say(account, DeleteProfile())
    await world.settle()
    await agreed(world, account)
    assert world.only_customer(account)["name"] is None


async def test_a_customer_found_after_a_day_is_discarded_when_the_account_has_another(world: World) -> None:
    chosen = await world.free_customer()
    account = await made_in_the_dark(world, "timeout_after_effect")
    await world.say(account, LinkStripeCustomer(customer_id=chosen))
    await world.settle()
    await agreed(world, account)
    assert (await world.link(account)).customer_id == chosen


async def test_while_stripe_is_away_work_waits_and_its_age_is_seen(world: World) -> None:
    account = await world.customer_of_ada()
    world.double.driver.fault("reset_before", times=None)
    async with world.member():
        await world.gone_wrong(account)
        await world.gone_wrong(account)
    (effect,) = await world.effect_rows(account)
    assert (effect["state"], effect["last_error"]) == ("open", "outcome unknown: connection")
    assert (await world.sync_state(account)).state == "pending"
    world.double.driver.clear_faults()
    world.stripe.breaker.succeeded()
    await world.leases_run_out()
    await world.settle()
    await agreed(world, account)
