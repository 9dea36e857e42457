"""A checker that cannot complain is worth nothing: each way of being wrong is shown to it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from state.postgres.journal import Entry
from tests.drills import checker
from tests.drills.complaint import Complaint, report
from tests.drills.evidence import PartitionEvidence, RestEvidence
from tests.drills.ideal import Ideal, ideal
from tests.drills.watching import CursorWatch
from topics.codec import decode
from topics.message import Kind, Received, Record

SEED: Final = 3


@pytest.fixture
def world() -> Ideal:
    return ideal(SEED, 300)


def complaints(world: Ideal, rest: RestEvidence | None = None) -> list[Complaint]:
    findings = checker.Findings()
    for evidence in world.partitions.values():
        checker.check_partition(evidence, findings)
    return [
        *findings.complaints,
        *checker.check_complete(world.planned, findings),
        *checker.check_rest(rest or world.rest(), findings),
        *checker.check_dead_letters(world.letters, findings),
    ]


def promises(world: Ideal, rest: RestEvidence | None = None) -> set[str]:
    return {complaint.promise for complaint in complaints(world, rest)}


def test_a_faultless_fleet_gives_no_cause_for_complaint(world: Ideal) -> None:
    assert complaints(world) == []


@pytest.mark.parametrize("seed", range(5))
def test_every_record_of_a_history_is_what_its_mark_says(seed: int) -> None:
    for evidence in ideal(seed, 400).partitions.values():
        for lane, records in evidence.lanes.items():
            kinds = frozenset({Kind.FACT if lane == "facts" else Kind.COMMAND})
            for record, decoded in zip(records, decode(records, kinds), strict=True):
                mark = (dict(record.headers)["drill"] or b"").decode().split()[1]
                if mark == "bad_id" and isinstance(decoded, Received):
                    continue
                assert mark == ("ok" if isinstance(decoded, Received) else decoded.reason.value)


# --- the journal -----------------------------------------------------------------------------------


def busiest(world: Ideal) -> tuple[PartitionEvidence, str]:
    """The account with the most rows in the journal, and where it is."""
    return max(
        ((evidence, account) for evidence in world.partitions.values() for account in evidence.journal),
        key=lambda found: len(found[0].journal[found[1]]),
    )


def test_a_lost_journal_row_is_noticed(world: Ideal) -> None:
    evidence, account = busiest(world)
    del evidence.journal[account][4]
    assert "one journal row for each command" in promises(world)


def test_a_second_journal_row_is_noticed(world: Ideal) -> None:
    evidence, account = busiest(world)
    evidence.journal[account].append(evidence.journal[account][4])
    assert "one journal row for each command" in promises(world)


def test_a_row_that_came_over_the_wrong_lane_is_noticed(world: Ideal) -> None:
    evidence, account = busiest(world)
    evidence.journal[account][4] = replace(evidence.journal[account][4], lane="facts")
    assert promises(world) == {"one journal row for each command"}


def test_rows_of_accounts_nobody_published_are_noticed(world: Ideal) -> None:
    rest = replace(world.rest(), journal_rows=world.rest().journal_rows + 1)
    assert promises(world, rest) == {"the journal has nothing but what was published"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": "discarded"},
        {"code": 1999},
        {"answer": '{"version": 99}'},
        {"body": "{}"},
        {"body": None},
        {"actor": "somebody else"},
        {"type": "billing.profiles.delete.v9"},
    ],
)
def test_an_outcome_that_the_fold_does_not_give_is_noticed(
    world: Ideal, wrong: dict[str, str | int | None]
) -> None:
    evidence, account = busiest(world)
    evidence.journal[account][-1] = replace(evidence.journal[account][-1], **wrong)  # type: ignore[arg-type]
    assert promises(world) == {"each outcome is what the fold of the commands says"}


def test_words_that_outlive_an_erasure_are_noticed() -> None:
    world = ideal(SEED, 3000)
    evidence, account, number = next(
        (evidence, account, number)
        for evidence in world.partitions.values()
        for account, rows in evidence.journal.items()
        for number, row in enumerate(rows)
        if row.body is None and row.lane != "facts"
    )
    evidence.journal[account][number] = replace(evidence.journal[account][number], body="{}")
    assert promises(world) == {"each outcome is what the fold of the commands says"}


def test_two_commands_applied_in_the_other_order_are_noticed(world: Ideal) -> None:
    evidence, account = busiest(world)
    rows = evidence.journal[account]
    one, other = _two_with_different_answers(rows)
    rows[one], rows[other] = (
        replace(rows[one], answer=rows[other].answer, outcome=rows[other].outcome, code=rows[other].code),
        replace(rows[other], answer=rows[one].answer, outcome=rows[one].outcome, code=rows[one].code),
    )
    assert "each outcome is what the fold of the commands says" in promises(world)


def _two_with_different_answers(rows: list[Entry]) -> tuple[int, int]:
    commands = [n for n, row in enumerate(rows) if row.lane != "facts"]
    return next((a, b) for a in commands for b in commands if a < b and rows[a].answer != rows[b].answer)


# --- the state -------------------------------------------------------------------------------------


def test_a_profile_with_a_version_too_many_is_noticed(world: Ideal) -> None:
    evidence = next(evidence for evidence in world.partitions.values() if evidence.profiles)
    account, profile = next(iter(evidence.profiles.items()))
    evidence.profiles[account] = replace(profile, version=profile.version + 1)
    assert promises(world) == {"each state is the fold of the commands in order"}


def test_a_lost_profile_and_a_lost_account_are_noticed(world: Ideal) -> None:
    evidence = next(evidence for evidence in world.partitions.values() if evidence.profiles)
    account = next(iter(evidence.profiles))
    del evidence.profiles[account]
    del evidence.accounts[account]
    found = [complaint.where for complaint in complaints(world)]
    assert sorted(found) == [f"account {account}, account", f"account {account}, profile"]


def test_another_flag_is_noticed(world: Ideal) -> None:
    evidence, account = busiest(world)
    record = evidence.accounts[account]
    evidence.accounts[account] = replace(record, flags=record.flags ^ 1)
    assert promises(world) == {"each state is the fold of the commands in order"}


# --- events ----------------------------------------------------------------------------------------

ORDER: Final = "the events are the applied commands in order"


def change_events(world: Ideal, change: Callable[[list[Record]], list[Record]]) -> None:
    """Change the events of the account that has the most of them."""
    evidence, account = busiest(world)
    others = [record for record in evidence.events if record.key != account.encode()]
    own = [record for record in evidence.events if record.key == account.encode()]
    evidence.events = [*others, *change(own)]


@pytest.mark.parametrize(
    "change",
    [
        lambda own: own[:-1],
        lambda own: [*own[:2], *own[3:]],
        lambda own: [own[0], own[2], own[1], *own[3:]],
        lambda own: [*own, replace(own[-1], headers=(("ce_id", b"never/0"),))],
    ],
    ids=["the last is lost", "one is lost", "two are swapped", "one too many"],
)
def test_missing_swapped_and_surplus_events_are_noticed(
    world: Ideal, change: Callable[[list[Record]], list[Record]]
) -> None:
    change_events(world, change)
    assert ORDER in promises(world)


def test_an_event_told_again_is_no_fault(world: Ideal) -> None:
    change_events(world, lambda own: [*own, *own[2:]])
    assert complaints(world) == []


def test_an_event_told_again_with_other_words_is_noticed(world: Ideal) -> None:
    change_events(world, lambda own: [*own, replace(own[3], value=b"{}")])
    assert promises(world) == {"a repeated event says the same"}


def test_an_event_with_the_wrong_words_is_noticed(world: Ideal) -> None:
    change_events(world, lambda own: [replace(own[0], value=b'{"version": 99}'), *own[1:]])
    assert promises(world) == {"each event tells what happened"}


# --- dead letters ----------------------------------------------------------------------------------

LETTERS: Final = "exactly the invalid records are dead letters"


def test_a_missing_dead_letter_is_noticed(world: Ideal) -> None:
    world.letters.pop()
    assert promises(world) == {LETTERS}


def test_a_dead_letter_of_a_good_record_is_noticed(world: Ideal) -> None:
    headers = tuple(
        (name, b"999999" if name == "dl_offset" else value) for name, value in world.letters[0].headers
    )
    world.letters.append(replace(world.letters[0], headers=headers))
    assert promises(world) == {LETTERS}


def test_a_dead_letter_told_again_is_no_fault(world: Ideal) -> None:
    world.letters.append(world.letters[0])
    assert complaints(world) == []


def test_a_dead_letter_that_is_not_whole_is_noticed(world: Ideal) -> None:
    at = next(n for n, letter in enumerate(world.letters) if letter.value)
    world.letters[at] = replace(world.letters[at], value=b"")
    assert promises(world) == {LETTERS}


def test_a_dead_letter_with_another_reason_is_noticed(world: Ideal) -> None:
    headers = tuple(
        (name, b"discarded" if name == "dl_reason" else value) for name, value in world.letters[0].headers
    )
    world.letters[0] = replace(world.letters[0], headers=headers)
    assert promises(world) == {LETTERS}


# --- at rest ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [-1, 1])
def test_a_cursor_that_is_not_at_the_end_is_noticed(world: Ideal, by: int) -> None:
    rest = world.rest()
    place = ("billing.commands.v1", 3)
    wrong = replace(rest, cursors={**rest.cursors, place: rest.cursors[place] + by})
    assert promises(world, wrong) == {"cursors end where the log ends"}


@pytest.mark.parametrize(
    "left",
    [
        {"outbox_rows": 1},
        {"parked_commands": 1},
        {"parked_accounts": 1},
        {"unfinished_effects": ["stripe.sync_customer of an account is open"]},
    ],
)
def test_work_that_is_left_is_noticed(world: Ideal, left: dict[str, int | list[str]]) -> None:
    rest = replace(world.rest(), **left)  # type: ignore[arg-type]
    assert promises(world, rest) == {"nothing is left at rest"}


def test_a_cursor_that_goes_back_is_noticed() -> None:
    watch = CursorWatch("")
    place = ("billing.commands", "billing.commands.v1", 0)
    for offset in (5, 9, 9, 8):
        watch.see({place: offset})
    assert [complaint.difference for complaint in watch.complaints] == ["it stood at 9, then at 8"]


# --- the drill itself ------------------------------------------------------------------------------


def test_a_history_that_was_not_published_whole_or_in_order_is_noticed(world: Ideal) -> None:
    evidence = max(world.partitions.values(), key=lambda found: len(found.lanes["commands"]))
    log = list(evidence.lanes["commands"])
    log[2], log[9] = log[9], log[2]
    evidence.lanes = {**evidence.lanes, "commands": log}
    world.planned["bulk"] += 1
    assert "the history was published" in promises(world)


def test_a_report_names_the_seed_and_the_difference() -> None:
    text = report(7, [Complaint("a promise", "account a", "expected 1, found 2")])
    assert text.splitlines() == [
        "seed 7: 1 complaints",
        "  1 x a promise",
        "- a promise: account a: expected 1, found 2",
    ]
