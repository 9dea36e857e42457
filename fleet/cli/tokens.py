"""`fleet token`: bearer tokens of the Dashboard's API."""

from datetime import UTC, datetime, timedelta

import click

from fleet.cli.arguments import DAYS
from fleet.cli.store import from_now, show, with_store
from state.postgres import api_tokens as rows

SCOPES = ("Billing Read", "Billing Write")


@click.group()
def token() -> None:
    """Bearer tokens for the Dashboard's API; only hashes are kept."""


@token.command()
@click.argument("name")
@click.option("--account", "accounts", multiple=True, required=True, help="Account id; repeat for several.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=("Billing Write",),
    show_default=True,
    help="What it may do; repeat for several. Writing implies reading.",
)
@click.option("--days", type=DAYS, help="Days until it expires; for ever without it.")
def create(name: str, accounts: tuple[str, ...], scopes: tuple[str, ...], days: int | None) -> None:
    """Make a token and show it, this once."""
    expires = datetime.now(UTC) + timedelta(days=days) if days is not None else None
    try:
        _, secret = with_store(
            lambda connection: rows.create(
                connection, name=name, accounts=list(accounts), scopes=list(scopes), expires_at=expires
            )
        )
    except ValueError as wrong:
        raise click.BadParameter(str(wrong)) from None
    click.echo(secret)


@token.command("list")
def listed() -> None:
    """Show the tokens there are."""
    found = with_store(rows.listed)
    show(
        "API tokens",
        ("id", "name", "accounts", "scopes", "made", "expires", "revoked"),
        (
            (
                kept.id,
                kept.name,
                ", ".join(sorted(kept.accounts)),
                ", ".join(sorted(kept.scopes)),
                from_now(kept.created_at),
                from_now(kept.expires_at),
                from_now(kept.revoked_at),
            )
            for kept in found
        ),
        empty="There are no tokens. Make one with `fleet token create`.",
    )


@token.command()
@click.argument("token_id")
def revoke(token_id: str) -> None:
    """Refuse a token from now on (within five seconds everywhere)."""
    if not with_store(lambda connection: rows.revoke(connection, token_id)):
        raise click.ClickException("There is no such token.")
    click.echo("Revoked.")
