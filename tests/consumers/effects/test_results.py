"""What came of an effect is told with its closing, or not at all; what is not done is seen."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY
from uuid6 import uuid7

from consumers.effect_gauges import EffectGauges
from consumers.performing import GivenUp, Outcome, Performed, Work
from state.postgres import effects
from state.postgres.effects import EffectRow
from state.postgres.lending import Connections
from tests.consumers.effects.work import KIND, at_once, fact, owe, performed_by, told
from tests.consumers.effects.world import World, until
from topics.ids import conclusion_id
from topics.payment_methods import SetupRefused

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


async def test_a_result_is_a_fact_that_names_its_cause(world: World) -> None:
    account = uuid4().hex
    await owe(world, account)
    async with world.member(performed_by(at_once)):
        await until(world.nothing_due)
    (headers,) = await told(world)
    assert (headers["ce_subject"], headers["ce_causationid"], headers["ce_actorrole"]) == (
        account,
        "the-command",
        "system",
    )
    assert UUID(headers["ce_id"]).version == 7


async def test_who_waits_for_the_end_of_an_operation_is_named_with_it(world: World) -> None:
    async def refused(work: Work) -> Outcome:
        conclusion = SetupRefused(reason="not like this")
        return Performed(work.effect.generation, conclusion=conclusion)

    account, asked = uuid4().hex, uuid7()
    row = EffectRow(account, uuid7(), KIND, "there", cause=str(asked), reply_to="replies:somebody")
    await effects.add(world.connection, [row])
    async with world.member(performed_by(refused)):
        await until(world.nothing_due)
    (headers,) = await told(world)
    assert (headers["ce_id"], headers["ce_causationid"]) == (str(conclusion_id(asked)), str(asked))
    assert headers["ce_replyto"] == "replies:somebody"


async def test_work_that_will_not_go_through_stays_visible_and_is_told(world: World) -> None:
    async def refused(work: Work) -> Outcome:
        return GivenUp(work.effect.generation, "not like this", (fact(),))

    account = uuid4().hex
    await owe(world, account)
    async with world.member(performed_by(refused)):
        await until(world.nothing_due)
    (row,) = await world.effect_rows(account)
    assert (row["state"], row["last_error"]) == ("failed", "not like this")
    assert len(await told(world)) == 1


async def test_failed_work_goes_on_when_an_operator_says_so(world: World) -> None:
    outcomes = iter((GivenUp, Performed))

    async def second_time_lucky(work: Work) -> Outcome:
        found = next(outcomes)
        return found(work.effect.generation, "no") if found is GivenUp else Performed(work.effect.generation)

    account = uuid4().hex
    effect_id = await owe(world, account)
    async with world.member(performed_by(second_time_lucky)):
        await until(world.nothing_due)
        assert await effects.reopen(world.connection, None) == [effect_id]
        await until(world.nothing_due)
    (row,) = await world.effect_rows(account)
    assert (row["state"], row["generation"]) == ("done", 2)


async def test_a_later_success_speaks_for_earlier_failures_of_its_key(world: World) -> None:
    outcomes = iter((GivenUp, GivenUp, Performed))

    async def third_time_lucky(work: Work) -> Outcome:
        found = next(outcomes)
        return found(work.effect.generation, "no") if found is GivenUp else Performed(work.effect.generation)

    account, states = uuid4().hex, []
    async with world.member(performed_by(third_time_lucky)):
        for _ in range(3):
            await owe(world, account, coalesce="key")
            await until(world.nothing_due)
            states.append(sorted(row["state"] for row in await world.effect_rows(account)))
    assert states == [["failed"], ["done", "failed"], ["done", "done", "done"]]


async def test_open_and_failed_work_is_counted_with_its_age_and_finished_work_is_forgotten(
    world: World,
) -> None:
    account = uuid4().hex
    await owe(world, account)
    await owe(world, account, kind="stripe.sync_customer", target="stripe", coalesce="sync")
    store = Connections(world.stack.database_url, name="gauges", size=1)
    gauges = EffectGauges(store, keep_finished=timedelta(days=1))
    await gauges.report()
    assert _value("billing_effects_backlog", target="there", state="open") == 1
    assert _value("billing_stripe_sync_accounts", state="pending") == 1
    await world.connection.execute(
        "UPDATE effects SET state = 'done', finished_at = now() - interval '2 days'"
    )
    await gauges.purge()
    await gauges.report()
    await store.close()
    assert _value("billing_effects_backlog", target="there", state="open") == 0
    assert await world.effect_rows(account) == []


async def test_accounts_in_step_are_about_those_that_are_not_out_of_it(world: World) -> None:
    first, _, _ = [await world.customer_of_ada() for _ in range(3)]
    await world.settle()
    await world.connection.execute("ANALYZE stripe_customers")
    await owe(world, first, kind="stripe.sync_customer", target="stripe", coalesce="sync")
    store = Connections(world.stack.database_url, name="gauges", size=1)
    await EffectGauges(store, keep_finished=timedelta(days=1)).report()
    await store.close()
    states = {name: _value("billing_stripe_sync_accounts", state=name) for name in ("pending", "synced")}
    assert states == {"pending": 1, "synced": 2}


def _value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)
