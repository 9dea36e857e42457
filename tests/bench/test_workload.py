"""The workload of the bench: valid, varied and of a realistic size."""

import random

import pytest

from bench.workload import PLACES, account_id, account_ids, commands, profile
from handlers.profile_rules import normalise, problems
from topics.codec import decode
from topics.message import Kind, Received, Record
from topics.profiles import ReplaceProfile, UpsertProfile


@pytest.fixture(scope="module")
def profiles() -> list[dict[str, str | None]]:
    dice = random.Random(1)
    return [profile(dice, number) for number in range(2_000)]


def test_every_generated_profile_is_valid(profiles: list[dict[str, str | None]]) -> None:
    found = {problem for fields in profiles for problem in problems(normalise(fields))}
    assert not found


def test_profiles_come_from_every_place_and_a_quarter_has_a_tax_id(
    profiles: list[dict[str, str | None]],
) -> None:
    assert {fields["city"] for fields in profiles} == {place.city for place in PLACES}
    assert 0.2 < sum(fields["vat"] is not None for fields in profiles) / len(profiles) < 0.3


def test_no_two_profiles_share_an_e_mail_address(profiles: list[dict[str, str | None]]) -> None:
    assert len({fields["billing_email"] for fields in profiles}) == len(profiles)


def test_the_seed_decides_the_bodies_and_the_accounts() -> None:
    accounts = account_ids(10)
    first, again, other = (
        [(message.key, message.value) for message in commands(20, accounts, seed=seed)] for seed in (7, 7, 8)
    )
    assert first == again
    assert first != other


def test_commands_are_what_a_lane_understands() -> None:
    accounts = account_ids(3)
    records = [
        Record("t", 0, n, message.id.int >> 80, message.key, message.value, tuple(message.headers))
        for n, message in enumerate(commands(50, accounts, seed=1, reply_to="somebody"))
    ]
    received = [entry for entry in decode(records, frozenset({Kind.COMMAND})) if isinstance(entry, Received)]
    assert len(received) == len(records)
    assert {type(entry.message) for entry in received} == {UpsertProfile, ReplaceProfile}
    assert {entry.account_id for entry in received} == set(accounts)
    assert {entry.envelope.reply_to for entry in received} == {"somebody"}


def test_a_message_has_the_size_of_a_real_one() -> None:
    sizes = [message.size for message in commands(200, account_ids(5), seed=2)]
    assert 780 < sum(sizes) / len(sizes) < 1_000


def test_account_ids_are_those_that_postgres_makes() -> None:
    assert account_id(0) == "cfcd208495d565ef66e7dff9f98764da"  # SELECT md5('0')
