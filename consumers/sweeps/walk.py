"""The way of a full sweep: phases one after another, each a walk in steps of a hundred that can be resumed.

Customers and subscriptions are listed at Stripe by the hundred, methods and agreements per account. A step only
finds suspects; who is one is looked at closely before anything is written (examination.py).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from consumers.performers.stripe_answers import PostponedError, RefusedError, done, is_missing
from consumers.performers.stripe_shown import understood
from consumers.sweeps import differences
from consumers.sweeps.asking import Processors
from consumers.sweeps.examination import Examination, methods_of
from consumers.sweeps.known import Known
from consumers.sweeps.patience import PATIENCE, Patience
from consumers.sweeps.strays import note_strays
from state.braintree import vault
from state.postgres import drift, stripe_customers, sweeps
from state.postgres.sweeps import Counts, Sweep
from state.stripe import customers, subscriptions
from state.stripe.client import PAGE

log = structlog.get_logger()

PHASES: Final = ("customers", "subscriptions", "unseen", "payment_methods", "agreements", "vault")
FIRST: Final = PHASES[0]
OF_BRAINTREE: Final = ("agreements", "vault")
AT_ONCE: Final = 8
"""Accounts asked for at a time: more than the budget of a sweep lets through."""


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one step: where the next one begins, None at the end of the phase, and whom to look at.

    `vault_too`: they have something in Braintree's vault of which we know nothing.
    """

    place: str | None
    suspects: Sequence[str] = ()
    vault_too: bool = False


def following(phase: str) -> str | None:
    """The phase after this one."""
    later = PHASES[PHASES.index(phase) + 1 :]
    return later[0] if later else None


class Walk:
    """The steps of each phase. Methods are a request for each account: a sweep asks for one of `method_parts`."""

    def __init__(
        self,
        examination: Examination,
        processors: Processors,
        *,
        method_parts: int = 1,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._examination, self._processors = examination, processors
        self._parts, self._patience = method_parts, Patience(patience)
        self._store = examination.store
        self._steps: Mapping[str, Callable[[Sweep, Counts], Awaitable[Step]]] = {
            "customers": self._customers,
            "subscriptions": self._subscriptions,
            "unseen": self._unseen,
            "payment_methods": self._methods,
            "agreements": self._agreements,
            "vault": self._vault,
        }

    async def step(self, sweep: Sweep, counts: Counts) -> Step:
        """Do the step where the sweep stands. Raises `PostponedError`, `RefusedError`, what PostgreSQL raises."""
        step = self._steps[sweep.phase]
        if sweep.phase not in OF_BRAINTREE:
            return await step(sweep, counts)
        if not self._processors.braintree_keys:
            log.info("sweep_phase_left_out", sweep=sweep.id, phase=sweep.phase, reason="no keys of Braintree")
            return Step(None)
        try:
            return await step(sweep, counts)
        except (PostponedError, RefusedError) as failure:
            if not self._patience.over(sweep):
                raise
            log.warning("sweep_phase_given_up", sweep=sweep.id, phase=sweep.phase, reason=str(failure))
            return Step(None)

    async def _customers(self, sweep: Sweep, counts: Counts) -> Step:
        answer = await customers.page(self._processors.ask_stripe(counts), after=sweep.place)
        if sweep.place and is_missing(answer):
            return Step("")  # where we stood was deleted meanwhile: from the top once more
        found = done(answer)
        holders = await self._seen(sweep, [one.id for one in found], [one.id for one in found])
        await note_strays(self._store, found, holders)
        accounts = await self._known(holders.values())
        counts.accounts += len(accounts)
        suspects = [
            account.account_id
            for one in found
            for account in (accounts.get(account_id) for account_id in holders.get(one.id, ()))
            if account and differences.customer(account, one)
        ]
        return Step(found[-1].id if len(found) == PAGE else None, suspects)

    async def _subscriptions(self, sweep: Sweep, counts: Counts) -> Step:
        answer = await subscriptions.page(self._processors.ask_stripe(counts), after=sweep.place)
        if sweep.place and is_missing(answer):
            return Step("")
        found = done(answer)
        understood(found)
        owners = sorted({one.customer_id for one in found})
        holders = await self._seen(sweep, [one.id for one in found], owners)
        accounts = await self._known(holders.values())
        suspects = {
            account.account_id: None
            for one in found
            for account in (accounts.get(account_id) for account_id in holders.get(one.customer_id, ()))
            if account and differences.subscriptions(account, [one], all_of_them=False)
        }
        return Step(found[-1].id if len(found) == PAGE else None, list(suspects))

    async def _unseen(self, sweep: Sweep, counts: Counts) -> Step:
        async with self._store.acquire() as connection:
            found = await sweeps.unseen(connection, sweep.id, after=sweep.place or "", limit=PAGE)
            if len(found) < PAGE:
                await drift.forget_strays(connection, sweep.started_at)
        return Step(_last(found), found)

    async def _methods(self, sweep: Sweep, counts: Counts) -> Step:
        async with self._store.acquire() as connection:
            found = await sweeps.with_customer(
                connection, after=sweep.place or "", limit=PAGE, parts=self._parts, part=sweep.id
            )
        accounts = await self._examination.known(found)

        async def compare(account: Known) -> bool:
            held = await methods_of(self._processors.ask_stripe(counts), account.customer_id or "")
            return bool(differences.methods(account, held))

        return Step(_last(found), await _filtered(accounts.values(), compare))

    async def _agreements(self, sweep: Sweep, counts: Counts) -> Step:
        async with self._store.acquire() as connection:
            found = await sweeps.with_agreement(connection, after=sweep.place or "", limit=PAGE)
        accounts = await self._examination.known(found)

        async def compare(account: Known) -> bool:
            ask = self._processors.ask_braintree(counts)
            answer = await vault.agreements(ask, account.account_id)
            held = () if is_missing(answer) else done(answer)
            return bool(differences.agreements(account, held))

        return Step(_last(found), await _filtered(accounts.values(), compare))

    async def _vault(self, sweep: Sweep, counts: Counts) -> Step:
        """Accounts that have no agreement here, hundreds in one search: hardly any has a customer in the vault."""
        async with self._store.acquire() as connection:
            asked = await sweeps.without_agreement(connection, after=sweep.place or "", limit=vault.SEARCHED)
        ask = self._processors.ask_braintree(counts)
        there = done(await vault.customers_there(ask, asked)) if asked else ()
        held: dict[str, Sequence[vault.Agreement]] = {}
        for first in range(0, len(there), vault.PAGE):
            shown = done(await vault.agreements_of(ask, there[first : first + vault.PAGE]))
            held.update(shown)
        accounts = await self._examination.known(there)
        suspects = [
            one for one, account in accounts.items() if differences.agreements(account, held.get(one, ()))
        ]
        return Step(asked[-1] if len(asked) == vault.SEARCHED else None, suspects, vault_too=True)

    async def _seen(
        self, sweep: Sweep, object_ids: Sequence[str], customer_ids: Sequence[str]
    ) -> dict[str, Sequence[str]]:
        """Note what Stripe showed; gives the accounts of each customer."""
        async with self._store.acquire() as connection:
            await sweeps.seen(connection, sweep.id, object_ids)
            found = await stripe_customers.holders(connection, customer_ids)
        return {customer_id: holders.accounts for customer_id, holders in found.items()}

    async def _known(self, holders: Iterable[Sequence[str]]) -> dict[str, Known]:
        return await self._examination.known(sorted({one for accounts in holders for one in accounts}))


def _last(found: Sequence[str]) -> str | None:
    return found[-1] if len(found) == PAGE else None


async def _filtered(accounts: Iterable[Known], compare: Callable[[Known], Awaitable[bool]]) -> list[str]:
    """Those for which it holds, a few compared at a time."""
    room, suspects = asyncio.Semaphore(AT_ONCE), []

    async def one(account: Known) -> None:
        async with room:
            if await compare(account):
                suspects.append(account.account_id)

    await together(one(account) for account in accounts)
    return suspects


async def together(work: Iterable[Awaitable[object]]) -> None:
    """All of it; the first failure is raised when everything has ended."""
    ended = await asyncio.gather(*work, return_exceptions=True)
    for failure in ended:
        if isinstance(failure, BaseException):
            raise failure
