"""`fleet drift customers|merge`: customers at Stripe that no account is linked to, and putting two into one.

Stripe can't move a payment method or a subscription to another customer. So one of two is kept, whichever is
used, and the other one is deleted if nothing of it would be lost.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import click

from consumers.performers.stripe_answers import PostponedError, RefusedError, done, is_missing
from consumers.sweeps.strays import YOUNGEST
from fleet.cli.arguments import REASON, ROWS
from fleet.cli.commands import ask
from fleet.cli.store import age, show, with_store
from fleet.members import stripe_of
from fleet.settings import Settings
from state.postgres import accounts, drift, stripe_customers
from state.postgres.connection import Connection
from state.redis.budget import Priority
from state.redis.connection import connect as connect_redis
from state.stripe import customers as at_stripe
from state.stripe import payment_methods, subscriptions
from state.stripe.client import Caller
from topics.drift import DiscardStripeCustomer
from topics.stripe_customers import LinkStripeCustomer

T = TypeVar("T")
_YOUNGEST: Final = int(YOUNGEST.total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class Holding:
    """A customer and how much hangs on it."""

    customer_id: str
    account_id: str | None
    methods: int
    subscriptions: int
    balance_or_default: bool

    @property
    def used(self) -> bool:
        """Whether anything would be lost with it."""
        return bool(self.methods or self.subscriptions or self.balance_or_default)


@dataclass(frozen=True, slots=True)
class Owner:
    """The account that a customer was made for, whether it is `known` here, and the customer that it has."""

    account_id: str
    known: bool
    customer_id: str | None


@click.command()
@click.option("--limit", type=ROWS, default=50, show_default=True)
def customers(limit: int) -> None:
    """Show customers at Stripe that are nobody's: duplicates of an account's own, and orphans."""
    found = with_store(lambda connection: drift.strays(connection, limit))
    show(
        "Customers at Stripe that no account is linked to",
        ("customer", "made for account", "which has", "kind", "made", "found"),
        (
            (
                row["customer_id"],
                row["account_id"],
                row["linked_to"],
                "duplicate" if row["linked_to"] else "orphan",
                age(row["created_on"]),
                age(row["since"]),
            )
            for row in found
        ),
        empty=f"Every customer that the last sweep saw is somebody's, or younger than {_YOUNGEST} minutes.",
    )


@click.command()
@click.argument("customer_id")
@click.option("--reason", type=REASON, help="Why; kept with the command that deletes. Needed with --yes.")
@click.option("--yes", is_flag=True, help="Do it, instead of only showing what would happen.")
def merge(customer_id: str, reason: str | None, *, yes: bool) -> None:
    """Make one of a stray customer and the one that its account has: the one that is used is kept.

    One of an account that is not known here is deleted, unless it is used.
    """
    stray = _from_stripe(customer_id)
    if stray is None:
        with_store(lambda connection: drift.forget_stray(connection, customer_id))
        raise click.ClickException(f"{customer_id} does not exist at Stripe (any more).")
    owner = with_store(lambda connection: _owner(connection, stray))
    account_id, own_id = owner.account_id, owner.customer_id
    own = _from_stripe(own_id) if own_id else None
    _show([one for one in (own, stray) if one], own_id)
    if stray.used and own and own.used:
        raise click.ClickException(
            "Both are used, and Stripe can't move what hangs on them. Cancel the subscriptions and detach the methods "
            "of one of them first."
        )
    if stray.used and not owner.known:
        raise click.ClickException(f"It is used, and {_unknown(account_id)}: it is left alone.")
    link = owner.known and (stray.used or own is None)
    gone = own_id if link else customer_id
    if owner.known:
        click.echo(f"{customer_id if link else own_id} would be kept{f', {gone} deleted' if gone else ''}.")
    else:
        click.echo(f"{customer_id} would be deleted: {_unknown(account_id)}.")
    if not yes:
        click.echo("Nothing was done. Say --yes and a --reason to do it.")
        return
    if not reason:
        raise click.UsageError("Say with --reason why.")
    if link:
        ask(account_id, LinkStripeCustomer(customer_id=customer_id, expected_customer_id=own_id))
    if gone and not (link and own is None):
        ask(account_id, DiscardStripeCustomer(customer_id=gone, reason=reason))
    with_store(lambda connection: drift.forget_stray(connection, customer_id))


def _unknown(account_id: str) -> str:
    return f"the account {account_id} that it was made for is not known here"


async def _owner(connection: Connection, stray: Holding) -> Owner:
    """The account that it says it was made for. Raises for one that is linked, or does not say."""
    holders = await stripe_customers.holders(connection, [stray.customer_id])
    if stray.customer_id in holders:
        raise click.ClickException(f"It is linked to account {holders[stray.customer_id].accounts[0]}.")
    if stray.account_id is None:
        raise click.ClickException(
            "It does not say for whom it was made. Link it to an account through the iAPI, or leave it alone: "
            "something else may have made it."
        )
    link = (await stripe_customers.load(connection, [stray.account_id])).get(stray.account_id)
    known = bool(await accounts.load(connection, [stray.account_id]))
    return Owner(stray.account_id, known, link.customer_id if link else None)


def _show(found: list[Holding], own_id: str | None) -> None:
    show(
        "What hangs on them",
        ("customer", "", "methods", "subscriptions", "default or balance"),
        (
            (
                one.customer_id,
                "the account's" if one.customer_id == own_id else "stray",
                one.methods,
                one.subscriptions,
                "yes" if one.balance_or_default else "no",
            )
            for one in found
        ),
        empty="",
    )


def _from_stripe(customer_id: str) -> Holding | None:
    return _asked(lambda caller: _holding(caller, customer_id))


async def _holding(caller: Caller, customer_id: str) -> Holding | None:
    answer = await at_stripe.retrieve(caller, customer_id)
    if is_missing(answer) or (found := done(answer)).deleted:
        return None
    methods = done(await payment_methods.listed(caller, customer_id))
    live = done(await subscriptions.listed(caller, customer_id))
    return Holding(customer_id, found.account_id, len(methods), len(live), found.in_use)


def _asked(work: Callable[[Caller], Awaitable[T]]) -> T:
    async def run() -> T:
        settings = Settings()
        redis = connect_redis(settings.redis_url)
        stripe = stripe_of(settings, redis)
        try:
            return await work(Caller(stripe, Priority.CUSTOMER, lambda: None))
        finally:
            await stripe.close()
            await redis.aclose()

    try:
        return asyncio.run(run())
    except PostponedError as postponed:
        raise click.ClickException(f"Stripe can't be asked now: {postponed.outcome.cause}") from None
    except RefusedError as refused:
        raise click.ClickException(f"Stripe refuses: {refused.refused.reason}") from None
