"""Settings from the environment; what can't be one is a sentence for each variable, not a traceback."""

from typing import Annotated, Any, Final

import click
from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

Port = Annotated[int, Field(ge=0, le=65535)]

_SHOWN: Final = 80
"""Characters of a value that are shown."""


class MistypedError(click.ClickException):
    """Variables that are not what they must be. Ends the command line with status 2, as a mistyped option does."""

    exit_code = 2


class Environment(BaseSettings):
    """Each field is an environment variable. Raises `MistypedError`."""

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as wrong:
            sentences = [_sentence(error) for error in wrong.errors(include_url=False)]
            raise MistypedError("\n".join([*sentences, "All settings: docs/settings.md."])) from None


def _sentence(error: ErrorDetails) -> str:
    """The value is shown as it was typed: no setting that can be wrong in itself is a secret."""
    name = "_".join(str(part) for part in error["loc"]).upper()
    what = error["msg"].replace("Input should", "It must").replace("String should", "It must")
    return f"{name}={str(error['input'])[:_SHOWN]!r} can't be used. {what}."
