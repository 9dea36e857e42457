"""What Stripe says, through our client, over real HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from state.redis.budget import Priority
from state.stripe import customers
from state.stripe.answers import Done, Limited, Refused, Unknown
from state.stripe.breaker import FAILURES
from state.stripe.client import Caller, Stripe
from tests.stripe_double import Double, stripe_at

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
ACCOUNT = "a" * 32
MINE = {"metadata": {"account_id": ACCOUNT}}


async def made(ask: Caller, key: str = "k") -> str:
    answer = await customers.create(ask, MINE, key=key)
    assert isinstance(answer, Done)
    return answer.value.id


async def test_a_customer_is_created_updated_and_read_back_as_a_value(ask: Caller) -> None:
    customer_id = await made(ask)
    address = {
        "line1": "1 Main",
        "line2": "",
        "city": "Lisbon",
        "state": "",
        "postal_code": "1000-001",
        "country": "PT",
    }
    params = {"name": "Ada", "email": "ada@example.com", "address": address, "preferred_locales": ["pt-PT"]}
    await customers.update(ask, customer_id, params, key="u")
    answer = await customers.retrieve(ask, customer_id)
    assert isinstance(answer, Done)
    found = answer.value
    assert (found.name, found.email, found.address, found.preferred_locales) == (
        "Ada",
        "ada@example.com",
        address,
        ("pt-PT",),
    )
    assert found.account_id == ACCOUNT
    assert found.tax_ids == ()
    assert not found.in_use


async def test_the_same_key_gives_the_same_customer_and_says_that_it_was_repeated(ask: Caller) -> None:
    first = await customers.create(ask, MINE, key="k")
    again = await customers.create(ask, MINE, key="k")
    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert (first.replayed, again.replayed) == (False, True)
    assert first.value == again.value


async def test_a_key_with_other_parameters_is_refused_as_such(ask: Caller) -> None:
    await made(ask)
    answer = await customers.create(ask, {"metadata": {"account_id": "b" * 32}}, key="k")
    assert isinstance(answer, Refused)
    assert answer.code == "idempotency_error"


async def test_a_refusal_names_field_and_code_but_not_the_value(ask: Caller) -> None:
    customer_id = await made(ask)
    answer = await customers.update(ask, customer_id, {"email": "no address"}, key="u")
    assert isinstance(answer, Refused)
    assert "email_invalid of email" in answer.reason
    assert "req_" in answer.reason
    assert "no address" not in answer.reason


async def test_a_customer_that_is_not_there_is_missing(ask: Caller) -> None:
    for answer in (
        await customers.update(ask, "cus_none", {"name": "x"}, key="u"),
        await customers.retrieve(ask, "cus_none"),
        await customers.delete(ask, "cus_none"),
    ):
        assert isinstance(answer, Refused)
        assert answer.missing


async def test_a_deleted_customer_is_read_as_its_stub(ask: Caller) -> None:
    customer_id = await made(ask)
    assert isinstance(await customers.delete(ask, customer_id), Done)
    answer = await customers.retrieve(ask, customer_id)
    assert isinstance(answer, Done)
    assert answer.value.deleted


async def test_tax_ids_come_with_the_customer_and_go(ask: Caller) -> None:
    customer_id = await made(ask)
    created = await customers.create_tax_id(ask, customer_id, "eu_vat", "DE136695976", key="t")
    assert isinstance(created, Done)
    updated = await customers.update(ask, customer_id, {"name": "x"}, key="u")
    assert isinstance(updated, Done)
    assert updated.value.tax_ids == (created.value,)
    await customers.delete_tax_id(ask, customer_id, created.value.id)
    answer = await customers.retrieve(ask, customer_id)
    assert isinstance(answer, Done)
    assert answer.value.tax_ids == ()


async def test_customers_created_since_a_moment_are_listed_over_all_pages(ask: Caller) -> None:
    ids = {await made(ask, f"k{n}") for n in range(130)}
    listed = set()
    async for page in customers.created_since(ask, datetime.now(UTC) - timedelta(minutes=1)):
        assert isinstance(page, Done)
        listed |= {one.id for one in page.value}
    assert listed == ids
    async for page in customers.created_since(ask, datetime.now(UTC) + timedelta(minutes=1)):
        assert page == Done(())


@pytest.mark.parametrize("kind", ["timeout_before", "reset_before", "error_500_before", "conflict_409"])
async def test_silence_resets_and_server_errors_leave_the_outcome_unknown(
    ask: Caller, double: Double, kind: str
) -> None:
    double.driver.fault(kind)
    answer = await customers.create(ask, MINE, key="k")
    assert isinstance(answer, Unknown)
    assert not answer.stored


async def test_an_error_that_stripe_keeps_for_the_key_says_so(ask: Caller, double: Double) -> None:
    double.driver.fault("error_500_after_effect")
    for _ in range(2):
        answer = await customers.create(ask, MINE, key="k")
        assert isinstance(answer, Unknown)
        assert answer.stored


async def test_a_limit_slows_the_whole_fleet_down_and_is_not_a_failure(
    ask: Caller, stripe_client: Stripe, double: Double
) -> None:
    for _ in range(FAILURES + 1):
        double.driver.fault("rate_limit")
        answer = await customers.create(ask, MINE, key="k")
        assert isinstance(answer, Limited)
    assert stripe_client.breaker.held_for() == 0


async def test_a_wrong_api_key_holds_work_back_instead_of_failing_it(double: Double, redis: Redis) -> None:
    revoked = stripe_at(double.url, redis, api_key="sk_test_revoked")
    ask = Caller(revoked, Priority.CUSTOMER, lambda: None)
    answers = [await customers.retrieve(ask, "cus_x") for _ in range(FAILURES + 1)]
    await revoked.close()
    assert all(isinstance(answer, Unknown) for answer in answers[:FAILURES])
    assert isinstance(answers[FAILURES], Limited)


async def test_while_stripe_is_silent_nothing_is_sent_there(
    ask: Caller, stripe_client: Stripe, double: Double
) -> None:
    double.driver.fault("reset_before", times=None)
    for _ in range(FAILURES):
        await customers.retrieve(ask, "cus_x")
    answer = await customers.retrieve(ask, "cus_x")
    assert isinstance(answer, Limited)
    assert answer.retry_after > 0
    assert len(double.asked("GET /v1/customers/{customer}")) == FAILURES


async def test_what_is_not_wanted_any_more_is_not_sent(stripe_client: Stripe, double: Double) -> None:
    def withdrawn() -> None:
        raise LookupError

    ask = Caller(stripe_client, Priority.CUSTOMER, withdrawn)
    with pytest.raises(LookupError):
        await customers.retrieve(ask, "cus_x")
    assert double.driver.requests() == []
