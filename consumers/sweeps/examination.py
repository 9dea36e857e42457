"""One account looked at closely: everything both processors show of it, compared, and written down.

The only place that writes differences: pages of a sweep and events merely say whom to look at. What a lost webhook
would have had read is owed then (consumers/sweeps/reading.py).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog

from consumers.performers.stripe_answers import PostponedError, RefusedError, done, is_missing
from consumers.performing import Store
from consumers.sweeps import differences
from consumers.sweeps.asking import Processors
from consumers.sweeps.differences import BRAINTREE, CUSTOMER, STRIPE, WANTED
from consumers.sweeps.known import Known, known
from consumers.sweeps.reading import owe_readings
from handlers.drift import Cause, Difference
from handlers.payment_method import at, living
from handlers.paypal_migration import is_nonce
from observability.metrics import DRIFT_CLOSED, DRIFT_CONFIRMED
from state.braintree import vault
from state.braintree.client import Caller as Asking
from state.braintree.declines import NOT_PAYPAL
from state.postgres import drift
from state.postgres.connection import RETRY_NOW, STORE_DOWN
from state.postgres.sweeps import Counts
from state.stripe import customers, payment_methods, subscriptions
from state.stripe.answers import Refused
from state.stripe.client import Caller
from state.stripe.customers import Customer
from state.stripe.payment_methods import Method
from state.stripe.subscriptions import Shown as ShownSubscription
from topics.payment_methods import MethodState, Processor

log = structlog.get_logger()

SETTLE: Final = timedelta(seconds=10)
"""What was edited so recently may still be on its way to the processors, or have come from them just now."""
AFTER_DEFECT: Final = timedelta(minutes=10)
LATER: Final = timedelta(seconds=20)
BOTH: Final = (STRIPE, BRAINTREE)


@dataclass(frozen=True, slots=True)
class Shown:
    """What Stripe shows of an account's customer; None when it knows none, which is not to say that it was deleted."""

    customer: Customer | None
    methods: Sequence[Method] = ()
    subscriptions: Sequence[ShownSubscription] = ()


@dataclass(frozen=True, slots=True)
class Vaulted:
    """What Braintree shows of an account: its agreements, and tokens of ours that stand for something else there."""

    agreements: Sequence[vault.Agreement] = ()
    not_paypal: Collection[str] = ()


class Examination:
    """Looks at accounts one by one. `settle` is how long an edit is left alone.

    Towards a processor to which something is on its way, nothing is said of an account, and it is come back to.
    """

    def __init__(self, store: Store, processors: Processors, *, settle: timedelta = SETTLE) -> None:
        self.store, self.processors, self.settle = store, processors, settle

    async def look(self, account_id: str, counts: Counts, *, vault_too: bool = False) -> None:
        """Examine an account, `vault_too` if we know of nothing that it has there. One that a processor refuses to
        show, or whose objects can't be understood, holds up no other one: it is come back to.

        Raises `PostponedError` of Stripe and what PostgreSQL raises.
        """
        try:
            await self.examine(account_id, counts, vault_too=vault_too)
        except (PostponedError, *STORE_DOWN, *RETRY_NOW):
            raise
        except RefusedError as refused:
            log.warning("account_not_shown", account=account_id, reason=refused.refused.reason)
            await self.look_later(account_id, AFTER_DEFECT)
        except Exception:
            log.exception("account_not_examined", account=account_id)
            await self.look_later(account_id, AFTER_DEFECT)

    async def examine(self, account_id: str, counts: Counts, *, vault_too: bool = False) -> int:
        """Look, compare and write; gives how many differences there are.

        Raises `PostponedError` and `RefusedError` of a processor, and what
        PostgreSQL raises.
        """
        before = (await self.known([account_id])).get(account_id)
        if before is None:
            return 0
        if before.busy.issuperset(BOTH):
            await self.look_later(account_id)
            return 0
        shown = await self._at_stripe(before, counts)
        vaulted = await self._at_braintree(before, counts, vault_too=vault_too)
        after = (await self.known([account_id])).get(account_id)
        if after is None or after.customer_id != before.customer_id:
            await self.look_later(account_id)
            return 0
        found = _of_stripe(after, shown)
        if vaulted is None:
            after = replace(after, busy=after.busy | {BRAINTREE})
        else:
            found += differences.agreements(after, vaulted.agreements, not_paypal=vaulted.not_paypal)
        return await self._write(after, found)

    async def known(self, account_ids: Sequence[str]) -> dict[str, Known]:
        """What our store says of these accounts now."""
        return await known(self.store, account_ids, settle=self.settle)

    async def _write(self, account: Known, found: Sequence[Difference]) -> int:
        looked_at = [one for one in BOTH if one not in account.busy]
        kept = [one for one in found if one.processor in looked_at]
        async with self.store.acquire() as connection:
            if account.busy:
                await drift.look_later(connection, account.account_id, LATER)
            else:
                await drift.looked(connection, account.account_id)
            confirmed, closed = await drift.record(
                connection, account.account_id, account.record.version, kept, looked_at
            )
            if any(one.cause is Cause.MISSED_WEBHOOK for one in kept):
                await owe_readings(connection, account.account_id)
        DRIFT_CONFIRMED.inc(confirmed)
        DRIFT_CLOSED.inc(closed)
        return len(kept)

    async def _found_there(self, account: Known) -> bool:
        """Whether the vault had something for it of which we know nothing, when it was last looked at."""
        async with self.store.acquire() as connection:
            return await drift.differs_at(connection, account.account_id, BRAINTREE)

    async def look_later(self, account_id: str, after: timedelta = LATER) -> None:
        """Come back to an account of which nothing can be said now."""
        async with self.store.acquire() as connection:
            await drift.look_later(connection, account_id, after)

    async def _at_stripe(self, account: Known, counts: Counts) -> Shown:
        if account.customer_id is None:
            return Shown(None)
        ask = self.processors.ask_stripe(counts)
        answer = await customers.retrieve(ask, account.customer_id)
        if is_missing(answer):
            return Shown(None)
        if (found := done(answer)).deleted:
            return Shown(found)
        return Shown(
            found,
            await methods_of(ask, account.customer_id),
            [one async for page in subscriptions.of_customer(ask, account.customer_id) for one in done(page)],
        )

    async def _at_braintree(self, account: Known, counts: Counts, *, vault_too: bool) -> Vaulted | None:
        """None when Braintree can't be asked now, which must not keep us from looking at Stripe."""
        if not (account.vaulted or vault_too or await self._found_there(account)):
            return Vaulted()
        ask = self.processors.ask_braintree(counts)
        answer = await vault.agreements(ask, account.account_id)
        try:
            shown = () if is_missing(answer) else done(answer)
            others = await _elsewhere(ask, account, {one.token for one in shown})
            return replace(others, agreements=(*shown, *others.agreements))
        except PostponedError:
            return None


async def _elsewhere(ask: Asking, account: Known, shown: Collection[str]) -> Vaulted:
    """Agreements of the account that its customer in the vault does not have, but another one."""
    found, not_paypal = [], set()
    for one in at(account.methods, Processor.BRAINTREE):
        token = one.details.reference
        if one.state is MethodState.ACTIVE and token not in shown and not is_nonce(token):
            answer = await vault.find(ask, token)
            if isinstance(answer, Refused) and answer.code == NOT_PAYPAL:
                not_paypal.add(token)
            elif not is_missing(answer):
                found.append(done(answer))
    return Vaulted(found, not_paypal)


async def methods_of(ask: Caller, customer_id: str) -> list[Method]:
    """All methods that Stripe keeps for a customer; none for one that is gone."""
    found: list[Method] = []
    async for page in payment_methods.of_customer(ask, customer_id):
        if is_missing(page):
            return []
        shown = done(page)
        found += shown
    return found


def _of_stripe(account: Known, shown: Shown) -> list[Difference]:
    if account.customer_id is None:
        profile = account.profile is not None and not account.profile.deleted_on
        wanted = profile or bool(living(account.methods))
        return [Difference(STRIPE, CUSTOMER, WANTED, None, Cause.FAILED_EFFECT)] if wanted else []
    if shown.customer is None or shown.customer.deleted:
        return differences.of_a_gone_customer(account, certain=shown.customer is not None)
    return [
        *differences.customer(account, shown.customer),
        *differences.methods(account, shown.methods),
        *differences.subscriptions(account, shown.subscriptions, all_of_them=True),
    ]
