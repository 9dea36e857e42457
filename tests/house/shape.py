"""How a file looks: its name says what it is about, its first line says the one idea, and it is short."""

import ast
import re
from collections.abc import Iterator

from tests.house.sources import Source

MOST_LINES = 400
_SAYS_NOTHING = re.compile(r"(?:^|_)(?:utils?|helpers?|managers?|base|common|misc|shared_code)(?:_|$)")


def violations(source: Source) -> Iterator[str]:
    """What is wrong with the shape of a module."""
    for part in source.path.removesuffix(".py").split("/"):
        if _SAYS_NOTHING.search(part):
            yield f"{source.path}:1: is called `{part}`, which says nothing: name it by what it is about."
    lines = source.text.count("\n")
    if lines > MOST_LINES:
        yield f"{source.path}:1: has {lines} lines, more than {MOST_LINES}: it holds more than one idea."
    package = source.path.endswith("__init__.py") and not source.text.strip()
    if not package and not _has_docstring(source):
        yield f"{source.path}:1: has no docstring: its first line says the one idea of the file."


def _has_docstring(source: Source) -> bool:
    docstring = ast.get_docstring(source.tree)
    return docstring is not None and bool(docstring.strip())
