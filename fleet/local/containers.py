"""What `make run` does for a newcomer, for the containers of docker-compose.yml.

python -m fleet.local.containers keys
python -m fleet.local.containers accounts --iapi-url http://iapi:8081
python -m fleet.local.containers tokens
"""

import asyncio
from pathlib import Path

import click

from fleet.local import credentials, demo
from fleet.local.settings import LocalSettings
from fleet.settings import Settings
from sandbox.local.console import as_shell_variables
from sandbox.local.service import CannotStart


@click.group()
def main() -> None:
    """Keys and demo accounts; where the stores are comes from the environment (docs/settings.md)."""


@main.command()
def keys() -> None:
    """Make the registry of callers at SERVICE_KEYS with one demo service, if there is none."""
    try:
        credentials.ensure_keys(_registry())
    except CannotStart as problem:
        raise click.ClickException(str(problem)) from None


@main.command()
@click.option("--iapi-url", required=True, help="Where the iAPI answers this process.")
def accounts(iapi_url: str) -> None:
    """Publish the demo accounts and send a first command; fails when they do not go through."""
    settings = Settings()
    fleet = demo.Reach(
        database_url=settings.database_url,
        kafka_bootstrap=settings.kafka_bootstrap,
        iapi_url=iapi_url,
        service_keys=_registry(),
    )
    try:
        asyncio.run(demo.accounts(fleet))
    except TimeoutError:
        raise click.ClickException(
            f"A first command did not go through within {demo.PATIENCE:.0f} s: `docker compose logs` says why."
        ) from None


@main.command()
def tokens() -> None:
    """Print shell variables for this machine: addresses, fresh tokens, the demo account."""
    made = asyncio.run(demo.tokens(Settings().database_url, _registry()))
    click.echo(as_shell_variables({**LocalSettings().entry_points(), **made}), nl=False)


def _registry() -> Path:
    registry = Settings().service_keys
    if registry is None:
        raise click.ClickException("SERVICE_KEYS must name the JSON file of callers.")
    return registry


if __name__ == "__main__":
    main()
