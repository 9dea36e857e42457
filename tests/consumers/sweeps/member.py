"""A sweeps member in a process of its own, to be killed: `python -m tests.consumers.sweeps.member`."""

import asyncio
import os

from consumers.sweeps.asking import Processors
from consumers.sweeps.sweeper import Sweeper
from state.redis.connection import connect as connect_redis
from tests.braintree_double import braintree_at
from tests.consumers.sweeps.sweeping import ON_DEMAND
from tests.stripe_double import stripe_at


async def main() -> None:
    """Sweep until killed. Settings come from the environment, CRASH_AT among them."""
    redis = connect_redis(os.environ["REDIS_URL"])
    processors = Processors(
        stripe_at(os.environ["STRIPE_URL"], redis), braintree_at(os.environ["BRAINTREE_URL"], redis)
    )
    member = Sweeper(processors, dsn=os.environ["DATABASE_URL"], worker="mortal", settings=ON_DEMAND)
    while True:
        await member.sweep_on()
        await member.go_round()


if __name__ == "__main__":
    asyncio.run(main())
