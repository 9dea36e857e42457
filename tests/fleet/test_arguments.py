"""What an operator mistypes is a sentence and status 2, before anything is asked for."""

import getpass
import os
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from fleet.cli import main
from fleet.cli.arguments import REASON, ROWS
from fleet.cli.operators import actor, operator

ACCOUNT = "0" * 32
COMMAND = "019ab0d2-6f2c-7a31-8c1e-3f5b1d2a9c44"


def commands(group: click.Group, words: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command of `fleet` with the words it is called by."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{words}{name} ")
        else:
            yield f"{words}{name}", command


def options(name: str) -> dict[str, click.Parameter]:
    """The commands that have this option."""
    return {
        words: option
        for words, command in commands(main)
        for option in command.params
        if name in option.opts and not option.multiple
    }


@pytest.mark.parametrize("reason", ["", "x" * 501, "caf\udce9"])
@pytest.mark.parametrize(
    "words",
    [
        f"account lock {ACCOUNT}",
        f"account unlock {ACCOUNT}",
        f"account erase {ACCOUNT} --yes",
        f"parked release {ACCOUNT}",
        f"parked discard {ACCOUNT} {COMMAND}",
        "paypal-migrations start",
        "drift stop",
    ],
)
def test_a_reason_has_a_length_and_characters(words: str, reason: str) -> None:
    refused = CliRunner().invoke(main, [*words.split(), "--reason", reason])
    assert (refused.exit_code, "A reason has 1 to 500 characters" in refused.output) == (2, True)


def test_every_reason_is_held_to_it() -> None:
    found = options("--reason")
    assert len(found) > 10
    assert {words for words, option in found.items() if option.type is not REASON} == set()


def test_a_reason_of_500_characters_is_one() -> None:
    assert REASON.convert("\u00e9" * 500, None, None) == "\u00e9" * 500


@pytest.mark.parametrize("days", ["0", "5000000"])
def test_a_token_does_not_outlive_the_calendar(days: str) -> None:
    words = ["token", "create", "ci", "--account", ACCOUNT, "--days", days]
    refused = CliRunner().invoke(main, words)
    assert (refused.exit_code, "is not in the range 1<=x<=36500" in refused.output) == (2, True)


@pytest.mark.parametrize("limit", ["0", "-1", str(2**63)])
@pytest.mark.parametrize("words", ["parked list", "effects list", "drift report", "dead-letters list"])
def test_a_list_shows_at_least_one_row(words: str, limit: str) -> None:
    refused = CliRunner().invoke(main, [*words.split(), "--limit", limit])
    assert (refused.exit_code, "--limit" in refused.output) == (2, True)


def test_every_list_has_a_least_and_a_most() -> None:
    found = options("--limit")
    assert len(found) > 5
    for words, option in found.items():
        assert isinstance(option.type, click.IntRange), words
        assert option.type.min == 1, words
        assert option.type.max in (ROWS.max, 1000), words


def test_a_user_whom_the_machine_knows_no_name_for_is_named_by_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", unknown)
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    assert operator() == actor().id == "operator:uid-4711"
    monkeypatch.setattr(getpass, "getuser", lambda: "caf\udce9")
    assert operator() == "operator:uid-4711"
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    assert operator() == "operator:ada"
