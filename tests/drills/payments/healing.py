"""The end of a drill of payments: all faults are over, what is under way arrives, an operator puts the rest right."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from state.postgres.drift import Drift
from tests import plain_http
from tests.drills.payments.breakages import deliver_in_order
from tests.drills.payments.company import SWEEPS, Company
from tests.drills.payments.operator import operator

DRAINED_SECONDS: Final = 60.0
_Kept = Callable[[str], None]


async def heal(company: Company) -> tuple[list[Drift], list[str]]:
    """Give what still differs in the end, and what was repaired on the way there.

    Nothing is broken any more when this begins, except that webhooks go astray.
    """
    drill = company.drill
    await deliver_in_order(drill)
    await asyncio.gather(drill.servers.mend_stripe(), drill.servers.mend_braintree())
    await drill.fleet.ready()
    await asyncio.gather(*(drill.fleet.units[name].stop() for name in SWEEPS if name in drill.fleet.units))
    await _settle(company)
    async with operator(drill) as person:
        left = await person.put_right(lambda: _settle(company))
        return left, person.repaired


async def _settle(company: Company) -> None:
    """Until nothing is left to do and no webhook is on its way. Hours pass, so that no setup waits for its payer."""
    hours = asyncio.create_task(_hours(company))
    try:
        pending = True
        while pending:
            await company.drill.quiet()
            pending = await _delivered(company)
    finally:
        hours.cancel()
        with suppress(asyncio.CancelledError):
            await hours


async def _hours(company: Company) -> None:
    while True:
        await company.behind.let_an_hour_pass()
        await asyncio.sleep(0.5)


async def _delivered(company: Company) -> bool:
    """Have everything delivered that was not; whether there was any."""
    at, braintree = company.behind.at, company.drill.servers.braintree_url
    counts: dict[str, Any] = await at.at_stripe("GET", "webhooks") or {"counts": {"pending": 1}}
    found = counts["counts"]["pending"] > 0
    async with plain_http.client(timeout=DRAINED_SECONDS) as client:
        if found:
            url = f"{company.drill.servers.stripe_url}/_sandbox/webhooks/drain"
            (await client.post(url, json={"hurry": True, "timeout": 30})).raise_for_status()
        told = (await client.get(f"{braintree}/_sandbox/deliveries")).json()["deliveries"]
        late = [one["seq"] for one in told if one["state"] == "due"]
        for seq in late:
            await client.post(f"{braintree}/_sandbox/deliveries/{seq}/resend")
    if late:
        await asyncio.sleep(0.5)
    return found or bool(late)
