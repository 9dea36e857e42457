"""The payers of a drill and all that is around them: accounts of their own, entry points, webhooks, sweeps."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from state.postgres.connection import connect
from tests.drills.arena import Arena
from tests.drills.customers import Customer, token_for
from tests.drills.fleet_under_test import Unit
from tests.drills.history import Planned
from tests.drills.payments.behind import Behind
from tests.drills.payments.breakages import send_astray
from tests.drills.payments.payers import Payer, keep_paying
from tests.drills.payments.processors import Processors
from topics.accounts import AccountType

SWEEPS: Final = ("sweeps-1", "sweeps-2")
"""Names of the units that sweep: they are stopped before an operator sweeps."""
OTHERS: Final = 3
"""How many others act at once behind our back."""
TYPES: Final = {AccountType.PAY_GO: 5, AccountType.ENTERPRISE: 4, AccountType.CHINA: 1}


@dataclass(frozen=True, slots=True)
class Company:
    """What a drill of payments holds in its hands. `iapi` answers other services."""

    drill: Arena
    payers: Sequence[Payer]
    behind: Behind
    iapi: Unit

    @asynccontextmanager
    async def at_work(
        self, at_once: int, *, acts: tuple[int, int] = (4, 9), pause: float = 0.1
    ) -> AsyncIterator[None]:
        """So many payers at once act, and everybody else behind our back, as long as the block runs."""
        enough = asyncio.Event()
        hands = [self.payers[n::at_once] for n in range(at_once)]
        working = [asyncio.create_task(keep_paying(hand, enough, acts=acts)) for hand in hands if hand]
        others = (self.behind.keep_acting(enough, pause=pause) for _ in range(OTHERS))
        working += [asyncio.create_task(other) for other in others]
        try:
            yield
        finally:
            enough.set()
            await asyncio.gather(*working)


async def company(drill: Arena, number: int, dashboards: Sequence[Unit]) -> Company:
    """Payers with accounts that are registered here, and a way for webhooks to come in."""
    rng = Random(f"{drill.seed} payers")
    accounts = [f"{rng.getrandbits(128):032x}" for _ in range(number)]
    drill.apart.update(accounts)
    webhooks, iapi = drill.entry_point("webhooks-in", "webhooks"), drill.entry_point("iapi", "iapi")
    await drill.producer.publish(_registrations(drill, rng, accounts))
    await asyncio.gather(webhooks.ready(), iapi.ready(), drill.quiet())
    await drill.servers.send_webhooks_to(webhooks.url)
    await send_astray(drill)
    at = Processors(drill.servers.stripe_url, drill.servers.braintree_url)
    payers = await _payers(drill, accounts, at, [unit.url for unit in dashboards])
    return Company(drill, payers, Behind(drill.dsn, payers, at, Random(f"{drill.seed} behind")), iapi)


def _registrations(drill: Arena, rng: Random, accounts: Sequence[str]) -> list[Planned]:
    kinds = rng.choices(list(TYPES), list(TYPES.values()), k=len(accounts))
    return [drill.history.registration(account, kind) for account, kind in zip(accounts, kinds, strict=True)]


async def _payers(drill: Arena, accounts: Sequence[str], at: Processors, urls: Sequence[str]) -> list[Payer]:
    connection = await connect(drill.dsn, name="drill-tokens")
    try:
        payers = []
        for account in accounts:
            rng = Random(f"{drill.seed} {account}")
            secret = await token_for(connection, account)
            at.secrets.add(secret)
            payers.append(Payer(Customer(account, secret, rng, urls), at, rng))
        return payers
    finally:
        await connection.close()
