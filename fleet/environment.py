"""Settings from the environment; what can't be one is a sentence for each variable, not a traceback."""

from typing import Annotated, Any, Final, Literal

import click
from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Port = Annotated[int, Field(ge=0, le=65535)]
PostgresUrl = Annotated[str, Field(pattern=r"^postgres(ql)?://")]
RedisUrl = Annotated[str, Field(pattern=r"^(redis|rediss|unix)://")]
_BROKER: Final = r"(\[[0-9A-Fa-f:]+\]|[^\s,:]+):[0-9]{1,5}"
Brokers = Annotated[str, Field(pattern=f"^{_BROKER}(,{_BROKER})*$")]
"""Kafka's addresses: host:port, comma separated."""

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
    """The value is shown as it was typed, but for a store's address, which may hold a password."""
    name = "_".join(str(part) for part in error["loc"]).upper()
    shown = "..." if name.endswith("_URL") else str(error["input"])[:_SHOWN]
    what = error["msg"].replace("Input should", "It must").replace("String should", "It must")
    return f"{name}={shown!r} can't be used. {what}."
