"""An effects member in a process of its own, to be killed: `python -m tests.consumers.effects.member`."""

import asyncio
import os

from consumers.effects import Effects
from consumers.performers import performers
from state.redis.connection import connect as connect_redis
from tests.braintree_double import NOWHERE, braintree_at
from tests.consumers.effects.world import SETTINGS
from tests.stripe_double import stripe_at


async def main() -> None:
    """Work until killed. Settings come from the environment, CRASH_AT among them."""
    redis = connect_redis(os.environ["REDIS_URL"])
    stripe = stripe_at(os.environ["STRIPE_URL"], redis, timeout=2.0)
    member = Effects(
        performers(stripe, braintree_at(os.environ.get("BRAINTREE_URL", NOWHERE), redis), redis),
        dsn=os.environ["DATABASE_URL"],
        worker="mortal",
        settings=SETTINGS,
    )
    await member.run()


if __name__ == "__main__":
    asyncio.run(main())
