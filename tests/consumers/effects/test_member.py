"""The effects member with performers of the test's own: leases, order, retries, results."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from uuid6 import uuid7

from consumers.effect_gauges import EffectGauges
from consumers.effect_run import LONGEST_BACKOFF, backoff
from consumers.effects import EffectsSettings
from consumers.performing import GivenUp, Outcome, Performed, Performer, Postponed, Work
from state.postgres import effects
from state.postgres.lending import Connections
from tests.consumers.effects.world import World, lease, until
from topics.stripe_customers import StripeCustomerSyncFailed

stack = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
KIND = "test.work"


async def owe(
    world: World, account: str, *, target: str = "there", kind: str = KIND, coalesce: str | None = None
) -> UUID:
    """Owe one piece of work."""
    effect_id: UUID = uuid7()
    row = (account, effect_id, kind, target, coalesce, "{}", "the-command", datetime.now(UTC))
    await effects.add(world.connection, [row])
    return effect_id


def fact() -> StripeCustomerSyncFailed:
    return StripeCustomerSyncFailed(reason="why", projection="0" * 64, failed_at=datetime.now(UTC))


def performed_by(perform: Callable[[Work], Awaitable[Outcome]]) -> dict[str, Performer]:
    return {KIND: Performer(perform)}


async def at_once(work: Work) -> Outcome:
    return Performed(work.effect.generation, (fact(),))


async def told(world: World) -> list[dict[str, str]]:
    """The headers of the messages in the outbox, in order."""
    rows = await world.connection.fetch("SELECT headers FROM outbox ORDER BY id")
    return [dict(orjson.loads(row["headers"])) for row in rows]


class TestResults:
    """What came of it is told with the closing of the effect, or not at all."""

    pytestmark = stack

    async def test_a_result_is_a_fact_that_names_its_cause(self, world: World) -> None:
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

    async def test_work_that_will_not_go_through_stays_visible_and_is_told(self, world: World) -> None:
        async def refused(work: Work) -> Outcome:
            return GivenUp(work.effect.generation, "not like this", (fact(),))

        account = uuid4().hex
        await owe(world, account)
        async with world.member(performed_by(refused)):
            await until(world.nothing_due)
        (row,) = await world.effect_rows(account)
        assert (row["state"], row["last_error"]) == ("failed", "not like this")
        assert len(await told(world)) == 1

    async def test_failed_work_goes_on_when_an_operator_says_so(self, world: World) -> None:
        outcomes = iter((GivenUp, Performed))

        async def second_time_lucky(work: Work) -> Outcome:
            found = next(outcomes)
            return (
                found(work.effect.generation, "no") if found is GivenUp else Performed(work.effect.generation)
            )

        account = uuid4().hex
        effect_id = await owe(world, account)
        async with world.member(performed_by(second_time_lucky)):
            await until(world.nothing_due)
            assert await effects.reopen(world.connection, None) == [effect_id]
            await until(world.nothing_due)
        (row,) = await world.effect_rows(account)
        assert (row["state"], row["generation"]) == ("done", 2)

    async def test_a_later_success_speaks_for_earlier_failures_of_its_key(self, world: World) -> None:
        outcomes = iter((GivenUp, GivenUp, Performed))

        async def third_time_lucky(work: Work) -> Outcome:
            found = next(outcomes)
            return (
                found(work.effect.generation, "no") if found is GivenUp else Performed(work.effect.generation)
            )

        account, states = uuid4().hex, []
        async with world.member(performed_by(third_time_lucky)):
            for _ in range(3):
                await owe(world, account, coalesce="key")
                await until(world.nothing_due)
                states.append(sorted(row["state"] for row in await world.effect_rows(account)))
        assert states == [["failed"], ["done", "failed"], ["done", "done", "done"]]


class TestLeases:
    """Whoever lost the lease writes nothing."""

    pytestmark = stack

    async def test_a_long_piece_of_work_keeps_its_lease(self, world: World) -> None:
        calls = Counter[UUID]()

        async def slowly(work: Work) -> Outcome:
            calls[work.effect.id] += 1
            await asyncio.sleep(2.5)
            return await at_once(work)

        effect_id = await owe(world, uuid4().hex)
        async with world.member(performed_by(slowly), lease(1.5)), world.member(performed_by(slowly)):
            await until(world.nothing_due)
        assert calls == {effect_id: 1}
        assert len(await told(world)) == 1

    async def test_work_that_was_taken_over_is_told_once_by_its_new_owner(self, world: World) -> None:
        hands: list[Work] = []
        release = asyncio.Event()

        async def first_is_stuck(work: Work) -> Outcome:
            hands.append(work)
            if len(hands) == 1:
                await release.wait()
            return await at_once(work)

        await owe(world, uuid4().hex)
        async with world.member(performed_by(first_is_stuck)):
            await until(lambda: _long(hands, 1))
            await world.leases_run_out()
            await until(world.nothing_due)
            release.set()
        assert len(hands) == 2
        assert hands[0].worker != hands[1].worker
        assert len(await told(world)) == 1

    async def test_a_worker_that_lost_its_lease_may_not_send(self, world: World) -> None:
        refused: list[str] = []

        async def checks(work: Work) -> Outcome:
            work.until = 0.0
            try:
                work.still_ours(0)
            except effects.LeaseLostError:
                refused.append("lost")
                raise
            return await at_once(work)

        await owe(world, uuid4().hex)
        async with world.member(performed_by(checks)):
            await until(lambda: _long(refused, 1))
        assert await told(world) == []

    async def test_work_left_by_a_stopping_process_is_taken_up_by_another(self, world: World) -> None:
        started: list[Work] = []

        async def never(work: Work) -> Outcome:
            started.append(work)
            await asyncio.Event().wait()
            return await at_once(work)

        await owe(world, uuid4().hex)
        impatient = EffectsSettings(poll_seconds=0.02, stop_seconds=0.05)
        async with world.member(performed_by(never), impatient):
            await until(lambda: _long(started, 1))
        assert not await world.nothing_due()
        await world.leases_run_out()
        async with world.member(performed_by(at_once)):
            await until(world.nothing_due)
        assert len(await told(world)) == 1

    async def test_connections_that_are_cut_cost_nothing_but_time(self, world: World) -> None:
        cut: list[Work] = []

        async def cut_off(work: Work) -> Outcome:
            if not cut:
                cut.append(work)
                await world.connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name LIKE 'effects-%' AND datname = current_database()"
                )
            return await at_once(work)

        for _ in range(5):
            await owe(world, uuid4().hex)
        async with world.member(performed_by(cut_off)):
            await until(world.nothing_due)
        assert len(await told(world)) == 5


async def _long(found: list[Work] | list[str], length: int) -> bool:
    return len(found) >= length


class TestOrder:
    """Effects of one account at one target run one after another."""

    pytestmark = stack

    async def test_one_after_another_in_the_order_they_were_owed(self, world: World) -> None:
        account, ran, running = uuid4().hex, list[UUID](), Counter[str]()

        async def noted(work: Work) -> Outcome:
            running[work.effect.account_id] += 1
            assert running[work.effect.account_id] == 1
            ran.append(work.effect.id)
            await asyncio.sleep(0.01)
            running[work.effect.account_id] -= 1
            return await at_once(work)

        owed = [await owe(world, account) for _ in range(6)]
        async with world.member(performed_by(noted)), world.member(performed_by(noted)):
            await until(world.nothing_due)
        assert ran == owed

    async def test_other_accounts_and_targets_do_not_wait(self, world: World) -> None:
        first, second = uuid4().hex, uuid4().hex
        together = asyncio.Barrier(3)

        async def meets(work: Work) -> Outcome:
            await together.wait()
            return await at_once(work)

        await owe(world, first)
        await owe(world, first, target="elsewhere")
        await owe(world, second)
        async with world.member(performed_by(meets)):
            await until(world.nothing_due)

    async def test_a_piece_of_work_that_waits_keeps_later_ones_of_its_account_waiting(
        self, world: World
    ) -> None:
        account, ran = uuid4().hex, list[UUID]()

        async def first_fails(work: Work) -> Outcome:
            ran.append(work.effect.id)
            return Postponed("not yet", timedelta()) if len(ran) < 3 else await at_once(work)

        first, second = await owe(world, account), await owe(world, account)
        async with world.member(performed_by(first_fails)):
            await until(world.nothing_due)
        assert ran == [first, first, first, second]

    async def test_work_that_was_owed_late_with_an_older_id_does_not_run_beside_a_younger_one(
        self, world: World
    ) -> None:
        account, older = uuid4().hex, uuid7()
        started, release = list[Work](), asyncio.Event()

        async def waits(work: Work) -> Outcome:
            started.append(work)
            await release.wait()
            return await at_once(work)

        younger = await owe(world, account)
        async with world.member(performed_by(waits)):
            await until(lambda: _long(started, 1))
            row = (account, older, KIND, "there", None, "{}", None, datetime.now(UTC))
            await effects.add(world.connection, [row])
            await asyncio.sleep(0.1)
            assert [work.effect.id for work in started] == [younger]
            release.set()
            await until(world.nothing_due)


class TestRetries:
    """What failed for now is tried again."""

    pytestmark = stack

    async def test_a_defect_is_tried_again_and_seen_meanwhile(self, world: World) -> None:
        account, tries = uuid4().hex, list[Work]()

        async def defective(work: Work) -> Outcome:
            tries.append(work)
            if len(tries) < 3:
                raise ZeroDivisionError("somebody's data")
            return await at_once(work)

        await owe(world, account)
        async with world.member(performed_by(defective)):
            await until(world.nothing_due)
        assert [work.effect.attempts for work in tries] == [1, 2, 3]
        assert len(await told(world)) == 1

    async def test_the_last_error_names_the_defect_and_nobodys_data(self, world: World) -> None:
        async def defective(work: Work) -> Outcome:
            raise ZeroDivisionError("somebody's data")

        account = uuid4().hex
        await owe(world, account)
        async with world.member(performed_by(defective)):
            await world.gone_wrong(account)
        (row,) = await world.effect_rows(account)
        assert row["last_error"] == "ZeroDivisionError in the performer"

    async def test_waiting_for_ones_turn_is_no_attempt(self, world: World) -> None:
        tries = list[int]()

        async def waits(work: Work) -> Outcome:
            tries.append(work.effect.attempts)
            if len(tries) < 4:
                return Postponed("not its turn", timedelta(), counted=False)
            return await at_once(work)

        await owe(world, uuid4().hex)
        async with world.member(performed_by(waits)):
            await until(world.nothing_due)
        assert tries == [1, 1, 1, 1]

    async def test_asking_again_does_not_wait_for_the_backoff(self, world: World) -> None:
        account, tries = uuid4().hex, list[str]()

        async def waits(work: Work) -> Outcome:
            tries.append("tried")
            return Postponed("later", timedelta(days=1)) if len(tries) == 1 else await at_once(work)

        await owe(world, account, coalesce="key")
        async with world.member(performed_by(waits)):
            await until(lambda: _long(tries, 1))
            await owe(world, account, coalesce="key")
            await until(world.nothing_due)

    async def test_nothing_is_claimed_for_a_performer_that_holds_back(self, world: World) -> None:
        async def never(work: Work) -> Outcome:
            raise AssertionError("claimed")

        account = uuid4().hex
        await owe(world, account)
        await owe(world, account, target="elsewhere", kind="test.other")
        held = {KIND: Performer(never, lambda: 1.0), "test.other": Performer(at_once)}
        async with world.member(held):
            await until(lambda: _done(world, account))
        assert (await world.effect_rows(account))[0]["attempts"] == 0


async def _done(world: World, account: str) -> bool:
    return any(row["state"] == "done" for row in await world.effect_rows(account))


class TestGauges:
    """What is not done is seen."""

    pytestmark = stack

    async def test_open_and_failed_work_is_counted_with_its_age_and_finished_work_is_forgotten(
        self, world: World
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
        await gauges.report()
        await store.close()
        assert _value("billing_effects_backlog", target="there", state="open") == 0
        assert await world.effect_rows(account) == []


def _value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


@given(st.integers(0, 10_000))
def test_a_backoff_lies_below_a_ceiling_that_doubles(attempts: int) -> None:
    assert timedelta(0) <= backoff(attempts) <= timedelta(seconds=LONGEST_BACKOFF)
    assert backoff(1) <= timedelta(seconds=0.5)
    assert backoff(4) <= timedelta(seconds=4)
