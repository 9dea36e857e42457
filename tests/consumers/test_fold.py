"""What a batch amounts to: parking, moving on and repeated ids, in every order within one batch."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest
from uuid6 import uuid7

from consumers import fold as fold_module
from consumers.fold import Fold, Loaded, Suspicion
from consumers.lane import LANES
from handlers.account import Account, Part
from handlers.accounts import ACCOUNT
from handlers.decision import Context, Decision
from handlers.registry import decide
from state.redis.operations import Underway
from tests.consumers.lanes import SUPPORT
from tests.handlers.worlds import START, registered
from tests.topics.messages import ACTOR, record_of
from topics.accounts import SetFlag
from topics.codec import Rejected, decode
from topics.codes import Code
from topics.message import Actor, Envelope, Kind, Message, Received, Role
from topics.parking import MESSAGES as PARKING_MESSAGES
from topics.parking import DiscardParked, ReleaseParked

A, B = "a" * 32, "b" * 32
SET = SetFlag(flag="bad_debt")
RELEASE = ReleaseParked(reason="fixed")


def received(
    message: Message, account: str = A, command_id: UUID | None = None, *, actor: Actor | None = None
) -> Received:
    """A message as it arrives; what is parked is moved by support, unless another `actor` tries."""
    usual = SUPPORT if type(message) in PARKING_MESSAGES else ACTOR
    envelope = Envelope(command_id or uuid7(), message.type, account, actor or usual)
    (found,) = decode([record_of(message, envelope=envelope)], frozenset(Kind))
    assert isinstance(found, Received)
    return found


def discard(command_id: UUID) -> Received:
    """An operator gives a command up."""
    return received(DiscardParked(command_id=command_id, reason="in vain"))


def known(account: str) -> Account:
    """A registered account, as loaded for commands that need its record alone."""
    parts: dict[Part[Any], Any] = {ACCOUNT: registered().account}
    return Account(account, parts)


def folded(
    batch: Sequence[Received],
    *,
    shelf: Sequence[Received | Rejected] = (),
    decided: dict[UUID, str] | None = None,
    suspicion: Suspicion | None = None,
    account: Account | None = None,
) -> Fold:
    """The fold of a batch over account A, with its shelf, beside an account B without one."""
    accounts = {A: account or known(A), B: known(B)}
    parked = frozenset({A} if shelf else ())
    loaded = Loaded(accounts, parked, {A: list(shelf)} if shelf else {}, decided or {})
    fold = Fold(LANES["commands"], loaded, START, suspicion or Suspicion())
    for one in batch:
        fold.take(one)
    return fold


def decisions(fold: Fold) -> list[tuple[UUID, str]]:
    """The commands that got an outcome, and which."""
    return [(row[0], row[8]) for row in fold.rows.journal]


def answers(fold: Fold) -> list[Any]:
    """What was answered, in order."""
    return [orjson.loads(row[10]) for row in fold.rows.journal]


def shelved(fold: Fold) -> list[UUID]:
    """The commands that this batch puts on the shelf."""
    return [row[1] for row in fold.rows.parked]


Break = Callable[[UUID, int], None]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Lets the handler fail at a command, so many times."""
    left: dict[UUID, int] = {}

    def broken(account: Account, message: Message, context: Context) -> Decision:
        if left.get(context.command_id, 0):
            left[context.command_id] -= 1
            raise ZeroDivisionError
        return decide(account, message, context)

    monkeypatch.setattr(fold_module, "decide", broken)
    return left.__setitem__


def test_a_command_whose_handler_fails_is_parked_with_the_later_ones_of_its_account(failing: Break) -> None:
    first, bad, later, other = received(SET), received(SET), received(SET), received(SET, B)
    failing(bad.id, 99)
    fold = folded([first, bad, later, other])
    assert decisions(fold) == [(first.id, "applied"), (other.id, "applied")]
    assert shelved(fold) == [bad.id, later.id]
    assert [row[9] for row in fold.rows.parked] == ["ZeroDivisionError in the handler", None]
    assert fold.rows.park == {A}


def test_a_release_in_the_same_batch_leaves_what_fails_again_on_the_shelf(failing: Break) -> None:
    bad, release = received(SET), received(RELEASE)
    failing(bad.id, 99)
    fold = folded([bad, release])
    assert decisions(fold) == [(release.id, "applied")]
    assert answers(fold) == [{"released": 0, "remaining": 1}]
    assert shelved(fold) == [bad.id]
    assert (fold.rows.park, fold.rows.unpark) == ({A}, set())


def test_a_release_in_the_same_batch_takes_what_goes_well_now_off_the_shelf(failing: Break) -> None:
    bad, later, release = received(SET), received(SET), received(RELEASE)
    failing(bad.id, 1)
    fold = folded([bad, later, release])
    assert decisions(fold) == [(bad.id, "applied"), (later.id, "applied"), (release.id, "applied")]
    assert shelved(fold) == []
    assert (fold.rows.park, fold.rows.unpark) == (set(), {A})


def test_a_release_moves_no_more_than_a_transaction_has_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumers.fold.MOST_RELEASED", 2)
    shelf = [received(SET) for _ in range(3)]
    release, later = received(RELEASE), received(SET)
    fold = folded([release, later], shelf=shelf)
    assert decisions(fold) == [*((one.id, "applied") for one in shelf[:2]), (release.id, "applied")]
    assert answers(fold)[-1] == {"released": 2, "remaining": 1}
    assert shelved(fold) == [later.id]
    assert (fold.rows.park, fold.rows.unpark) == ({A}, set())


def test_a_release_applies_the_shelf_in_its_order_and_the_account_goes_on() -> None:
    first, second, release, later = (received(message) for message in (SET, SET, RELEASE, SET))
    fold = folded([release, later], shelf=[first, second])
    assert [found for found, _ in decisions(fold)] == [first.id, second.id, release.id, later.id]
    assert fold.rows.unshelved == [(A, first.id), (A, second.id)]
    assert fold.rows.unpark == {A}


def test_a_release_that_fails_again_keeps_the_rest_and_notes_the_error(failing: Break) -> None:
    first, bad, last, release, later = (received(message) for message in (SET, SET, SET, RELEASE, SET))
    failing(bad.id, 99)
    fold = folded([release, later], shelf=[first, bad, last])
    assert decisions(fold) == [(first.id, "applied"), (release.id, "applied")]
    assert answers(fold)[-1] == {"released": 1, "remaining": 2}
    assert fold.rows.errors == [(A, bad.id, "ZeroDivisionError in the handler")]
    assert shelved(fold) == [later.id]
    assert fold.rows.unpark == set()


def test_an_account_that_becomes_known_by_a_release_stays_parked_for_what_remains(failing: Break) -> None:
    first, bad, release = received(SET), received(SET), received(RELEASE)
    failing(bad.id, 99)
    fold = folded([release], shelf=[first, bad])
    assert fold.rows.park == {A}


def test_a_duplicate_of_a_released_command_is_not_decided_twice() -> None:
    parked, release = received(SET), received(RELEASE)
    fold = folded([release, replace(parked)], shelf=[parked])
    assert decisions(fold) == [(parked.id, "applied"), (release.id, "applied")]
    assert shelved(fold) == []


def test_a_duplicate_ahead_of_the_release_is_not_parked_beside_it() -> None:
    parked, release = received(SET), received(RELEASE)
    fold = folded([replace(parked), release], shelf=[parked])
    assert decisions(fold) == [(parked.id, "applied"), (release.id, "applied")]
    assert shelved(fold) == []


def test_one_id_for_two_accounts_in_one_batch_is_a_dead_letter_for_the_second() -> None:
    mine = received(SET)
    theirs = received(SET, B, mine.id)
    fold = folded([mine, theirs])
    assert decisions(fold) == [(mine.id, "applied")]
    assert fold.dead == {"bad_id": 1}


def test_a_shelved_id_that_another_account_used_meanwhile_stays_until_it_is_discarded() -> None:
    parked, release = received(SET), received(RELEASE)
    fold = folded([release], shelf=[parked], decided={parked.id: B})
    assert decisions(fold) == [(release.id, "applied")]
    assert fold.rows.errors == [(A, parked.id, "bad_id: ce_id was used for another account before")]
    given_up = discard(parked.id)
    fold = folded([given_up], shelf=[parked], decided={parked.id: B})
    assert decisions(fold) == [(given_up.id, "applied")]
    assert fold.dead == {"discarded": 1}


def test_a_discarded_command_becomes_a_dead_letter_and_an_outcome_and_the_others_stay() -> None:
    first, last = received(SET), received(SET)
    given_up = discard(first.id)
    fold = folded([given_up], shelf=[first, last])
    assert decisions(fold) == [(first.id, "discarded"), (given_up.id, "applied")]
    assert fold.rows.unshelved == [(A, first.id)]
    assert fold.rows.unpark == set()
    (letter,) = fold.rows.outbox
    assert ["dl_reason", "discarded"] in orjson.loads(letter[3])


def test_discarding_the_last_command_opens_the_account_again() -> None:
    only, later = received(SET), received(SET)
    fold = folded([discard(only.id), later], shelf=[only])
    assert fold.rows.unpark == {A}
    assert decisions(fold)[-1] == (later.id, "applied")


def test_what_is_not_parked_cannot_be_discarded() -> None:
    given_up = discard(uuid7())
    fold = folded([given_up], shelf=[received(SET)])
    assert decisions(fold) == [(given_up.id, "refused")]
    assert fold.dead == {}


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.SERVICE, Role.SYSTEM])
def test_only_support_moves_what_is_parked(role: Role) -> None:
    only = received(SET)
    actor = Actor("somebody", role, "/test")
    for message in (RELEASE, DiscardParked(command_id=only.id, reason="in vain")):
        asked = received(message, actor=actor)
        fold = folded([asked], shelf=[only])
        assert decisions(fold) == [(asked.id, "refused")]
        assert [row[9] for row in fold.rows.journal] == [Code.FORBIDDEN]
        assert answers(fold) == [{"message": "Only support may move parked commands.", "problems": []}]
        assert (fold.rows.unshelved, fold.rows.unpark, fold.rows.outbox) == ([], set(), [])


def test_releasing_an_account_that_is_not_parked_does_nothing() -> None:
    release = received(RELEASE)
    assert answers(folded([release])) == [{"released": 0, "remaining": 0}]


def test_a_shelved_command_that_cannot_be_read_any_more_holds_up_the_shelf_until_it_is_discarded() -> None:
    old, later = received(SET), received(SET)
    (unreadable,) = decode([replace(old.record, value=b"?")], frozenset(Kind))
    assert isinstance(unreadable, Rejected)
    fold = folded([received(RELEASE)], shelf=[unreadable, later])
    ((_, command_id, error),) = fold.rows.errors
    assert (command_id, error.partition(":")[0]) == (old.id, "bad_body")
    given_up = discard(old.id)
    fold = folded([given_up], shelf=[unreadable, later])
    assert fold.rows.unshelved == [(A, old.id)]
    assert fold.dead == {"discarded": 1}


def test_who_asked_is_told_of_a_dead_letter_that_has_no_outcome_and_of_no_other() -> None:
    good = received(SET)
    asked = Envelope(good.id, SET.type, A, ACTOR, reply_to="replies:somebody")
    (mine,) = decode([record_of(SET, envelope=asked)], frozenset(Kind))
    (unreadable,) = decode([replace(mine.record, value=b"?")], frozenset(Kind))
    assert isinstance(mine, Received)
    assert isinstance(unreadable, Rejected)
    assert folded([discard(good.id)], shelf=[mine]).given_up == []
    assert folded([mine], decided={good.id: B}).given_up == []
    fold = folded([discard(good.id)], shelf=[unreadable])
    assert fold.given_up == [(good.id, Underway(A, SET.type))]
    fold = folded([])
    fold.reject(unreadable)
    assert fold.given_up == [(good.id, Underway(A, SET.type))]


def test_a_suspect_is_parked_undecided() -> None:
    bad = received(SET)
    fold = folded([bad], suspicion=Suspicion({bad.id: "DataError while saving"}))
    assert decisions(fold) == []
    assert [row[9] for row in fold.rows.parked] == ["DataError while saving"]


def test_a_suspected_release_goes_on_by_fewer_commands() -> None:
    first, second, release = received(SET), received(SET), received(RELEASE)
    suspicion = Suspicion({release.id: "DataError while saving"}, release_at_most=1)
    fold = folded([release], shelf=[first, second], suspicion=suspicion)
    assert answers(fold)[-1] == {"released": 1, "remaining": 1}
    assert fold.rows.errors == []


def test_a_suspected_release_that_cannot_go_on_at_all_names_the_first_command() -> None:
    first, second, release = received(SET), received(SET), received(RELEASE)
    suspicion = Suspicion({release.id: "DataError while saving"}, release_at_most=0)
    fold = folded([release], shelf=[first, second], suspicion=suspicion)
    assert answers(fold) == [{"released": 0, "remaining": 2}]
    assert fold.rows.errors == [(A, first.id, "DataError while saving")]


def test_a_suspected_discard_is_refused() -> None:
    only = received(SET)
    given_up = discard(only.id)
    fold = folded([given_up], shelf=[only], suspicion=Suspicion({given_up.id: "DataError while saving"}))
    assert decisions(fold) == [(given_up.id, "refused")]
    assert fold.rows.unshelved == []
