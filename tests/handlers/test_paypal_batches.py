"""Batches of migrations: begun once, a dry run first, stopped and gone on with."""

from handlers.paypal_batches import PAYPAL_BATCH
from tests.handlers.worlds import World
from topics.codes import Code
from topics.message import Role
from topics.paypal_batches import PayPalBatchChanged, ResumePayPalBatch, StartPayPalBatch, StopPayPalBatch

DRY = StartPayPalBatch(reason="ticket 4711", accounts=("b" * 32, "a" * 32, "b" * 32))


def test_a_batch_keeps_what_was_asked_for_and_who_asked() -> None:
    world = World()
    begun = world.applied(DRY, Role.SERVICE)
    batch = world.parts[PAYPAL_BATCH]
    assert (batch.accounts, batch.asked_by, batch.cap) == (("a" * 32, "b" * 32), "somebody", 100)
    assert begun.result is not None
    assert begun.result["dry_run"] is True
    assert [type(event) for event in begun.events] == [PayPalBatchChanged]


def test_a_run_that_changes_something_comes_after_a_dry_run() -> None:
    assert World().code(StartPayPalBatch(dry_run=False, reason="now"), Role.SERVICE) is Code.INVALID
    World().applied(StartPayPalBatch(dry_run=False, after="d" * 32, reason="now"), Role.SERVICE)


def test_a_batch_begins_once_whatever_is_asked_again() -> None:
    world = World()
    world.applied(DRY, Role.SERVICE)
    again = world.applied(StartPayPalBatch(reason="another", cap=5), Role.SERVICE)
    assert again.changes == {}
    assert again.result is not None
    assert again.result["reason"] == "ticket 4711"


def test_a_batch_is_stopped_and_goes_on() -> None:
    world = World()
    world.applied(DRY, Role.SERVICE)
    world.applied(StopPayPalBatch(reason="wait"), Role.SUPPORT)
    assert world.applied(StopPayPalBatch(reason="again"), Role.SUPPORT).changes == {}
    stopped = world.parts[PAYPAL_BATCH]
    assert (stopped.stopped, stopped.reason, stopped.version) == (True, "wait", 2)
    world.applied(ResumePayPalBatch(reason="go"), Role.SUPPORT)
    assert world.parts[PAYPAL_BATCH].stopped is False


def test_what_is_no_batch_can_not_be_stopped() -> None:
    assert World().code(StopPayPalBatch(reason="wait"), Role.SUPPORT) is Code.NOT_FOUND
