"""What breaks payments in particular: Braintree answers too late, Stripe is busy, webhooks go astray."""

import asyncio
from typing import Any, Final

from tests.drills.arena import Arena

ASTRAY: Final[tuple[dict[str, Any], ...]] = (
    {"types": ["payment_method.*", "setup_intent.*"], "copies": 2, "copied": 0.3, "jitter": 3.0, "lose": 0.1},
    {"types": ["customer.*"], "copies": 2, "copied": 0.2, "window": 1.5, "lose": 0.1, "unnoticed": True},
)
"""How Stripe's events come to us in a drill: some twice, some late, in another order, one of ten never."""
LATE: Final = ("timeout_after_effect", "reset_after_effect", "error_500_after_effect", "reset_before")


async def answer_late_at_braintree(drill: Arena) -> None:
    """Braintree does what it was asked and does not say so: after our timeout, or with a broken connection."""
    kinds = drill.rng.sample(LATE, 2)
    faults = [
        {"kind": kind, "probability": 0.4, "times": 4, "seed": drill.rng.randrange(99)} for kind in kinds
    ]
    await drill.servers.break_braintree(*faults)
    await asyncio.sleep(drill.rng.uniform(4, 10))
    await drill.servers.mend_braintree()


async def storm_of_429(drill: Arena) -> None:
    """Stripe lets hardly anything through."""
    share = drill.rng.choice((0.5, 0.8, 1.0))
    await drill.servers.break_stripe(
        {"kind": "rate_limit", "probability": share}, {"kind": "lock_timeout", "probability": 0.1}
    )
    await asyncio.sleep(drill.rng.uniform(2, 6))
    await drill.servers.mend_stripe()


async def send_astray(drill: Arena) -> None:
    """From now on Stripe's events go astray; `deliver_in_order` ends it."""
    await _plan(drill, {"rules": list(ASTRAY), "seed": drill.seed, "retry": 1.0, "timeout": 5.0})


async def deliver_in_order(drill: Arena) -> None:
    """From now on they come as they should."""
    await _plan(drill, {"retry": 1.0, "timeout": 5.0})


async def _plan(drill: Arena, given: dict[str, Any]) -> None:
    await drill.servers.say_to_stripe("PUT", "/webhooks/plan", given)
