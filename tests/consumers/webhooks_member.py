"""A webhooks member in a process of its own, to be killed: `python -m tests.consumers.webhooks_member`."""

import asyncio
import os

from consumers.webhooks import Webhooks


async def main() -> None:
    """Work until killed. Settings come from the environment, CRASH_AT among them."""
    member = Webhooks(
        dsn=os.environ["DATABASE_URL"],
        bootstrap=os.environ["KAFKA_BOOTSTRAP"],
        client_id="mortal",
        topics=(os.environ["WEBHOOKS_TOPIC"],),
        facts=os.environ["FACTS_TOPIC"],
        group=os.environ["GROUP"],
    )
    await member.broker.start()
    await member.run()


if __name__ == "__main__":
    asyncio.run(main())
