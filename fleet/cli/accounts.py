"""`fleet account`: what support does to an account as a whole."""

import click

from fleet.cli.arguments import REASON
from fleet.cli.commands import ask
from topics.accounts import EraseAccount, LockAccount, UnlockAccount

BECAUSE = click.option("--reason", type=REASON, required=True, help="Why; kept in the journal.")


@click.group()
def account() -> None:
    """Lock, unlock or erase an account."""


@account.command()
@click.argument("account_id")
@BECAUSE
def lock(account_id: str, reason: str) -> None:
    """Refuse everybody's commands but support's (1309)."""
    ask(account_id, LockAccount(reason=reason))


@account.command()
@click.argument("account_id")
@BECAUSE
def unlock(account_id: str, reason: str) -> None:
    """Take everybody's commands again."""
    ask(account_id, UnlockAccount(reason=reason))


@account.command()
@click.argument("account_id")
@BECAUSE
@click.confirmation_option(prompt="Personal data of this account goes for good, here and at Stripe. Go on?")
def erase(account_id: str, reason: str) -> None:
    """Scrub personal data (GDPR): profile, journal and Stripe. Accounting facts stay."""
    ask(account_id, EraseAccount(reason=reason))
