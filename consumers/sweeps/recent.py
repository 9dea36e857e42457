"""Recent changes: what Stripe says has happened, whether its webhook came or not, and what is open in the report."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from consumers.performers.stripe_answers import done
from consumers.sweeps import differences
from consumers.sweeps.asking import Processors
from consumers.sweeps.examination import Examination
from consumers.sweeps.known import Known
from consumers.sweeps.strays import note_strays
from handlers.ordering import Seen
from state.postgres import drift, stripe_customers, sweeps
from state.postgres.sweeps import Counts
from state.stripe import events
from state.stripe.customers import customer
from state.stripe.events import Event

log = structlog.get_logger()

WINDOW: Final = "recent"
FIRST_WINDOW: Final = timedelta(hours=1)
LONGEST: Final = timedelta(minutes=10)
"""Of one window: what a backlog of days is cut into."""
BEHIND: Final = timedelta(seconds=30)
"""A webhook is given so long to come by itself."""
RELOOK: Final = timedelta(seconds=30)
AT_MOST: Final = 200


class Recent:
    """Looks at what changed a short while ago. `behind` and `relook` are how long it waits before it does."""

    def __init__(
        self,
        examination: Examination,
        processors: Processors,
        *,
        behind: timedelta = BEHIND,
        relook: timedelta = RELOOK,
    ) -> None:
        self._examination, self._processors = examination, processors
        self._store, self._behind, self._relook = examination.store, behind, relook

    async def look_again(self, counts: Counts) -> int:
        """Look at accounts with open differences; gives how many. A difference is one when it is found twice."""
        async with self._store.acquire() as connection:
            due = await drift.due(connection, patience=self._relook, limit=AT_MOST)
        for account_id in due:
            await self._examination.look(account_id, counts)
        return len(due)

    async def follow(self, counts: Counts) -> bool:
        """Look at the accounts of a window of Stripe's events; whether there is more to follow at once."""
        now = datetime.now(UTC) - self._behind
        async with self._store.acquire() as connection:
            since = await sweeps.window(connection, WINDOW)
        oldest = now - timedelta(days=events.KEPT_DAYS)
        if since is not None and since < oldest:
            log.warning("recent_changes_out_of_reach", since=since.isoformat(), days=events.KEPT_DAYS)
        begin = max(since or now - FIRST_WINDOW, oldest)
        end = min(now, begin + LONGEST).replace(microsecond=0)
        if end <= begin:
            return False
        await self._window(begin, end, counts)
        async with self._store.acquire() as connection:
            await sweeps.move_window(connection, WINDOW, end)
        return end < now.replace(microsecond=0)

    async def _window(self, begin: datetime, end: datetime, counts: Counts) -> None:
        ask = self._processors.ask_stripe(counts)
        newest: dict[str, Event] = {}
        async for page in events.between(ask, begin, end):
            for event in done(page):
                newest.setdefault(str(event.body.get("id")), event)
        for account_id in await self._suspects(list(newest.values())):
            await self._examination.look(account_id, counts)
            counts.suspects += 1

    async def _suspects(self, found: Sequence[Event]) -> list[str]:
        owners = sorted({one.customer_id for one in found if one.customer_id})
        async with self._store.acquire() as connection:
            holders = await stripe_customers.holders(connection, owners)
        made = (customer(one.body) for one in found if one.type == "customer.created")
        await note_strays(self._store, made, holders)
        ids = sorted({account_id for one in holders.values() for account_id in one.accounts})
        known = await self._examination.known(ids)
        told = (
            account
            for event in found
            if event.customer_id in holders
            for account_id in holders[event.customer_id].accounts
            if (account := known.get(account_id)) and _unheard(account, event)
        )
        return _distinct(told)


def _unheard(account: Known, event: Event) -> bool:
    """Whether the account is not as the event would have left it."""
    if event.type == "customer.deleted":
        return True
    match event.body.get("object"):
        case "customer":
            return bool(differences.customer(account, customer(event.body)))
        case "payment_method":
            method = account.methods.referred(str(event.body["id"]))
            return _older(method.seen if method else None, event)
        case "subscription":
            mirror = account.subscriptions.subscriptions.get(str(event.body["id"]))
            return _older(mirror.seen if mirror else None, event)
    return True


def _older(seen: Seen | None, event: Event) -> bool:
    """Stripe's clock ticks in seconds: of two events of one second the other one may be what was heard."""
    if seen is None or seen.at < event.at:
        return True
    return seen.at == event.at and seen.event_id != event.id


def _distinct(accounts: Iterable[Known]) -> list[str]:
    return list({account.account_id: None for account in accounts})
