"""What `fleet --help` says is said to the end."""

import click
from click.testing import CliRunner

from fleet.cli import main


def groups(group: click.Group, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every group of commands."""
    found = [words]
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += groups(command, (*words, name))
    return found


def test_no_summary_is_cut_off() -> None:
    for words in groups(main):
        told = CliRunner().invoke(main, [*words, "--help"]).output
        summaries = told.partition("Commands:")[2]
        assert summaries
        assert "..." not in summaries, words
