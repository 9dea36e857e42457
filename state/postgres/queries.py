"""SQL by its name: statements live in .sql files beside the module that runs them."""

import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def queries(capability: str) -> SimpleNamespace:
    """The statements of `<capability>.sql`, each an attribute named by its `-- name:` line."""
    text = (Path(__file__).parent / f"{capability}.sql").read_text()
    _, *sections = _NAME.split(text)
    return SimpleNamespace(**dict(zip(sections[::2], map(str.strip, sections[1::2]), strict=True)))
