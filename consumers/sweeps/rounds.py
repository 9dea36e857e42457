"""Rounds: all accounts that pay by PayPal, a page every few seconds, because Braintree keeps no list of events.

A revocation whose webhook is lost is told by nothing else before the next full sweep. A search gives fifty customers
with their agreements; who is not as they say is looked at closely.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from consumers.performers.stripe_answers import done
from consumers.sweeps import differences
from consumers.sweeps.asking import Processors
from consumers.sweeps.examination import Examination
from observability.crash import crash_point
from state.braintree import vault
from state.postgres import drift, sweeps
from state.postgres.sweeps import Counts

WINDOW: Final = "agreements"
PAUSE: Final = timedelta(seconds=2)
"""Between two pages."""
NO_SOONER: Final = timedelta(minutes=5)
"""From the beginning of a round to the next: few payers are not asked for all the time."""


class Rounds:
    """Goes round. One `worker` of the fleet does, by its lease on the window."""

    def __init__(
        self,
        examination: Examination,
        processors: Processors,
        *,
        worker: str,
        no_sooner: timedelta = NO_SOONER,
    ) -> None:
        self._examination, self._processors = examination, processors
        self._store, self._worker, self._no_sooner = examination.store, worker, no_sooner

    async def page(self, counts: Counts, lease: timedelta) -> bool:
        """Look at the next page; False when there is none yet, or when it is somebody else's.

        Raises `PostponedError` and `RefusedError` of a processor, and what PostgreSQL raises.
        """
        async with self._store.acquire() as connection:
            if not await sweeps.lead(connection, WINDOW, self._worker, lease):
                return False
            place = await sweeps.round_place(connection, WINDOW, self._no_sooner)
            if place is None:
                return False
            payers = await sweeps.payers(connection, after=place, limit=vault.PAGE)
        for account_id in await self._suspects(payers, counts):
            await self._examination.look(account_id, counts)
            counts.suspects += 1
        crash_point("sweeps.page_looked")
        async with self._store.acquire() as connection:
            last = payers[-1] if len(payers) == vault.PAGE else None
            await sweeps.move_round(connection, WINDOW, self._worker, last)
        crash_point("sweeps.page_moved")
        return True

    async def _suspects(self, payers: Sequence[str], counts: Counts) -> list[str]:
        """Those that differ in something new: what is in the report is come back to from there."""
        if not payers:
            return []
        held = done(await vault.agreements_of(self._processors.ask_braintree(counts), payers))
        known = await self._examination.known(payers)
        counts.accounts += len(known)
        found = {
            account_id: {one.field for one in differences.agreements(account, held.get(account_id, ()))}
            for account_id, account in known.items()
        }
        async with self._store.acquire() as connection:
            reported = await drift.of_accounts(connection, list(found))
        for one in reported:
            found[one.account_id].discard(one.difference.field)
        return [account_id for account_id, fields in found.items() if fields]
