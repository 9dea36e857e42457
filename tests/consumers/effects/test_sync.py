"""A Stripe customer follows its account."""

import asyncio

import pytest

from consumers.performers.stripe_sync import sync_customer
from consumers.performing import Outcome, Performer, Work
from consumers.sync_effect import SYNC_EFFECT
from handlers.stripe_projection import SHARED_REASON
from tests.consumers.effects.world import World, until
from topics.accounts import AccountType, EraseAccount, SetAccountType, SetFlag
from topics.profiles import DeleteProfile
from topics.stripe_customers import LinkStripeCustomer, SyncStripeCustomer

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


async def test_an_account_without_a_profile_gets_no_customer(world: World) -> None:
    account = await world.account()
    await world.say(account, SetAccountType(account_type=AccountType.STARTUP))
    await world.settle()
    assert world.customers(account) == []
    assert (await world.sync_state(account)).state == "none"


async def test_a_profile_becomes_a_customer_and_the_account_is_linked_to_it(world: World) -> None:
    account = await world.customer_of_ada()
    assert (await world.sync_state(account)).state == "pending"
    await world.settle()
    customer = world.only_customer(account)
    assert (customer["name"], customer["email"], customer["phone"]) == (
        "Ada Lovelace",
        "ada@example.com",
        "+14155552671",
    )
    assert customer["address"]["line1"] == "1 Main St"
    assert customer["preferred_locales"] == ["en"]
    assert customer["metadata"] == {"account_id": account, "account_type": "pay_go", "bad_debt": "false"}
    assert (await world.link(account)).customer_id == customer["id"]
    assert (await world.sync_state(account)).state == "synced"


async def test_a_thousand_changes_are_one_call(world: World) -> None:
    account = await world.customer_of_ada()
    await world.settle()
    before = len(world.double.asked("POST /v1/customers/{customer}"))
    for n in range(1_000):
        await world.profile(account, city=f"City {n}")
    await world.settle()
    assert len(world.double.asked("POST /v1/customers/{customer}")) == before + 1
    assert world.only_customer(account)["address"]["city"] == "City 999"


async def test_changes_while_a_call_is_under_way_are_one_more_call(world: World) -> None:
    account = await world.customer_of_ada()
    await world.settle()
    before = len(world.double.asked("POST /v1/customers/{customer}"))
    called, release = asyncio.Event(), asyncio.Event()

    async def slowly(work: Work) -> Outcome:
        outcome = await sync_customer(world.stripe, work)
        called.set()
        await release.wait()
        return outcome

    await world.profile(account, city="Before")
    async with world.member({SYNC_EFFECT: Performer(slowly)}):
        await called.wait()
        for n in range(10):
            await world.profile(account, city=f"Meanwhile {n}")
        release.set()
        await until(world.nothing_due)
    await world.settle()
    assert len(world.double.asked("POST /v1/customers/{customer}")) == before + 2
    assert world.only_customer(account)["address"]["city"] == "Meanwhile 9"


async def test_a_change_that_was_taken_back_before_stripe_heard_of_it_costs_no_call(world: World) -> None:
    account = await world.customer_of_ada()
    await world.settle()
    before = len(world.double.driver.requests())
    await world.profile(account, city="Elsewhere")
    await world.profile(account)
    await world.settle()
    assert len(world.double.driver.requests()) == before
    assert (await world.sync_state(account)).state == "synced"


async def test_type_and_bad_debt_are_mirrored_in_the_metadata(world: World) -> None:
    account = await world.customer_of_ada()
    await world.say(account, SetAccountType(account_type=AccountType.ENTERPRISE))
    await world.say(account, SetFlag(flag="bad_debt"))
    await world.settle()
    metadata = world.only_customer(account)["metadata"]
    assert (metadata["account_type"], metadata["bad_debt"]) == ("enterprise", "true")


async def test_metadata_of_others_stays(world: World) -> None:
    account = await world.customer_of_ada()
    await world.settle()
    world.double.driver.change(world.only_customer(account)["id"], metadata={"team": "sales"})
    await world.profile(account, city="Elsewhere")
    await world.settle()
    assert world.only_customer(account)["metadata"]["team"] == "sales"


async def test_tax_ids_are_replaced_and_removed(world: World) -> None:
    account = await world.account()
    berlin = {"country": "DE", "zipcode": "10115", "state": "", "city": "Berlin", "telephone": ""}
    await world.profile(account, **berlin, vat="DE136695976")
    await world.settle()
    assert world.only_customer(account)["tax_ids"] == [("eu_vat", "DE136695976")]
    await world.profile(account, **berlin, vat="DE129273398")
    await world.settle()
    assert world.only_customer(account)["tax_ids"] == [("eu_vat", "DE129273398")]
    await world.profile(account, **berlin)
    await world.settle()
    assert world.only_customer(account)["tax_ids"] == []
    assert (await world.sync_state(account)).state == "synced"


@pytest.mark.parametrize("command", [DeleteProfile(), EraseAccount(reason="asked for")])
async def test_nothing_about_a_person_is_left_after_deletion_or_erasure(
    world: World, command: DeleteProfile | EraseAccount
) -> None:
    account = await world.account()
    berlin = {"country": "DE", "zipcode": "10115", "state": "", "city": "Berlin", "telephone": ""}
    await world.profile(account, **berlin, vat="DE136695976", preferred_locale="de")
    await world.settle()
    await world.say(account, command)
    await world.settle()
    customer = world.only_customer(account)
    assert (customer["name"], customer["email"], customer["phone"]) == (None, None, None)
    assert not any((customer["address"] or {}).values())
    assert customer["tax_ids"] == []
    assert customer["preferred_locales"] == ["en"]
    assert (await world.sync_state(account)).state == "synced"


async def test_a_profile_deleted_before_its_customer_was_made_leaves_none(world: World) -> None:
    account = await world.customer_of_ada()
    await world.say(account, DeleteProfile())
    await world.settle()
    assert world.customers(account) == []
    assert (await world.sync_state(account)).state == "none"


async def test_linking_an_account_without_a_profile_leaves_the_customers_name_alone(world: World) -> None:
    customer_id = await world.free_customer()
    account = await world.account()
    await world.say(account, LinkStripeCustomer(customer_id=customer_id))
    await world.settle()
    assert world.only_customer(account)["name"] == "Ada Lovelace"
    assert (await world.sync_state(account)).state == "synced"


async def test_a_sync_that_was_asked_for_writes_over_what_somebody_changed_at_stripe(world: World) -> None:
    account = await world.customer_of_ada()
    await world.settle()
    world.double.driver.change(world.only_customer(account)["id"], name="Somebody else")
    await world.say(account, SyncStripeCustomer())
    await world.settle()
    assert world.only_customer(account)["name"] == "Ada Lovelace"


async def test_a_sync_that_was_asked_for_is_not_forgotten_over_later_changes(world: World) -> None:
    account = await world.customer_of_ada()
    await world.settle()
    world.double.driver.change(world.only_customer(account)["id"], name="Somebody else")
    await world.say(account, SyncStripeCustomer())
    await world.profile(account, city="Elsewhere")
    await world.profile(account)
    await world.settle()
    assert world.only_customer(account)["name"] == "Ada Lovelace"


async def test_a_refused_value_is_told_with_its_reason_and_heals_with_the_next_change(world: World) -> None:
    account = await world.customer_of_ada()
    await world.settle()
    await world.connection.execute(
        "UPDATE profiles SET billing_email = 'not an address' WHERE account_id = $1", account
    )
    await world.say(account, SyncStripeCustomer())
    await world.settle()
    state = await world.sync_state(account)
    assert state.state == "failed"
    assert "email_invalid" in (state.reason or "")
    assert "not an address" not in (state.reason or "")
    assert (await world.effect_rows(account))[-1]["state"] == "failed"
    await world.profile(account)
    await world.settle()
    assert (await world.sync_state(account)).state == "synced"
    assert {row["state"] for row in await world.effect_rows(account)} == {"done"}


async def test_a_new_customer_whose_data_is_refused_is_linked_all_the_same(world: World) -> None:
    account = await world.customer_of_ada()
    await world.connection.execute(
        "UPDATE profiles SET billing_email = 'not an address' WHERE account_id = $1", account
    )
    await world.settle()
    assert (await world.link(account)).customer_id == world.only_customer(account)["id"]
    assert (await world.sync_state(account)).state == "failed"
    await world.profile(account)
    await world.settle()
    assert world.only_customer(account)["email"] == "ada@example.com"
    assert (await world.sync_state(account)).state == "synced"


async def test_a_customer_deleted_at_stripe_is_a_decision_for_support(world: World) -> None:
    account = await world.customer_of_ada()
    await world.settle()
    world.double.driver.delete(world.only_customer(account)["id"])
    await world.profile(account, city="Elsewhere")
    await world.settle()
    state = await world.sync_state(account)
    assert state.state == "failed"
    assert "does not exist at Stripe (any more)" in (state.reason or "")
    assert world.customers(account) == []


async def test_a_customer_that_two_accounts_share_is_not_touched(world: World) -> None:
    first, second = await world.customer_of_ada(), await world.account()
    await world.settle()
    customer = world.only_customer(first)
    await world.say(second, LinkStripeCustomer(customer_id=customer["id"]))
    await world.settle()
    before = len(world.double.driver.requests())
    await world.profile(first, city="Elsewhere")
    await world.profile(second, city="Elsewhere", billing_email="eve@example.com")
    await world.settle()
    assert len(world.double.driver.requests()) == before
    for account in (first, second):
        state = await world.sync_state(account)
        assert (state.state, state.reason) == ("failed", SHARED_REASON)


async def test_when_sharing_ends_both_accounts_are_brought_up_to_date(world: World) -> None:
    free = await world.free_customer()
    first, second = await world.customer_of_ada(), await world.account()
    await world.settle()
    customer_id = world.only_customer(first)["id"]
    await world.say(second, LinkStripeCustomer(customer_id=customer_id))
    await world.profile(first, city="Elsewhere")
    await world.settle()
    await world.say(second, LinkStripeCustomer(customer_id=free, expected_customer_id=customer_id))
    await world.settle()
    assert (await world.sync_state(first)).state == "synced"
    assert (await world.sync_state(second)).state == "synced"
    assert world.only_customer(first)["address"]["city"] == "Elsewhere"
