"""Summaries in lists of commands: the whole first sentence, over two lines where it takes them."""

import click


def keep_whole(group: click.Group) -> None:
    """click cuts what does not fit into one line, and the half of a sentence explains nothing."""
    for command in group.commands.values():
        first_paragraph = " ".join((command.help or "").partition("\n\n")[0].split())
        command.short_help = first_paragraph.partition(". ")[0].removesuffix(".")
        if isinstance(command, click.Group):
            keep_whole(command)
