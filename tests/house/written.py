"""The documents written by hand, taken apart: their words in code, their blocks, links and headings."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

from tests.conftest import ROOT

MADE: Final = frozenset({"metrics.md", "settings.md", "topics.md"})
"""Made from the code, and checked there (fleet/documents.py)."""
DOCUMENTS: Final = (
    ROOT / "README.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if page.name not in MADE),
)

_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"`([^`\n]+)`")
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)


def text(page: Path) -> str:
    """What stands on a page outside of its blocks."""
    return _FENCE.sub("", page.read_text())


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of a page in one of these languages."""
    return [body for language, body in _FENCE.findall(page.read_text()) if language in languages]


def spans(page: Path) -> list[str]:
    """What stands between backticks."""
    return _SPAN.findall(text(page))


def commands(page: Path) -> Iterator[list[str]]:
    """Every `fleet ...` that somebody may paste, as words."""
    lines = [line for block in blocks(page, "", "sh") for line in block.splitlines()]
    for line in [*spans(page), *lines]:
        for typed in re.findall(r"(?:^|\s)fleet (?![./])([a-z].*)", line.partition("#")[0]):
            yield from _alternatives(typed.partition("->")[0].split())


def _alternatives(words: list[str]) -> Iterator[list[str]]:
    """`parked list|release` is two commands."""
    choices = (word.split("|") for word in words)
    yield from map(list, product(*choices))


def links(page: Path) -> list[str]:
    """Targets of links that stay in the house."""
    return [target for target in _LINK.findall(text(page)) if "://" not in target]


def anchors(page: Path) -> set[str]:
    """The names by which headings are linked to."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in _HEADING.findall(text(page))
    }
