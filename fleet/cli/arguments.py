"""What operators may type where a number or any text would be too much: reasons, rows to show, days."""

from typing import Final

import click
from pydantic import TypeAdapter, ValidationError

from topics.accounts import Reason

_REASON: Final = TypeAdapter(Reason)


class _Reason(click.ParamType[str]):
    """What a command takes for its reason, so that a wrong one is a sentence before anything is done."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return str(_REASON.validate_python(value))
        except ValidationError:
            self.fail("A reason has 1 to 500 characters, in UTF-8.", param, ctx)


REASON: Final = _Reason()
ROWS: Final = click.IntRange(1, 100_000)
"""How many rows a list may show."""
DAYS: Final = click.IntRange(1, 36_500)
"""How many days ahead something may end: a hundred years."""
