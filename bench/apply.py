"""Commands applied per second: our worker beside FastStream one by one, and beside COPY of the same rows.

All three run on the same broker and database with durable commits. The messages lie on the topic before
the worker starts; what is timed is the way from the first timed command to the last one committed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer

from bench import copying, members, rival
from bench.plan import Plan
from bench.servers import Servers
from bench.show import Show
from bench.stage import fresh_database, partitions_of, position, publish, rate, refresh, settle, start_here
from bench.workload import account_ids, commands
from consumers.lane import LANES
from producers.trace import new_id
from state.postgres.connection import Connection, connect
from state.postgres.journal import Days

LANE = LANES["commands"]


class WrongEffectsError(Exception):
    """The worker was fast and wrong: rows are missing or there twice."""


@dataclass(frozen=True, slots=True)
class Speeds:
    """Commands per second. `rival` is by the number of FastStream's workers; `copies` by commands a commit."""

    ours: float
    ours_by_two: float
    """Two worker processes share the partitions, as they would in production."""
    rival: dict[int, float]
    copies: dict[int, float]
    message_bytes: int

    def figures(self) -> dict[str, object]:
        """As it is reported. `times_rival` is against the rival as it is defined, one by one."""
        copy = max(self.copies.values())
        return {
            "commands_per_second": round(self.ours),
            "times_rival": round(self.ours / self.rival[1], 1),
            "share_of_copy": round(self.ours / copy, 3),
            "two_processes_per_second": round(self.ours_by_two),
            "rival_commands_per_second": {
                str(workers): round(found) for workers, found in self.rival.items()
            },
            "times_rival_by_its_workers": {
                str(workers): round(self.ours / found, 1) for workers, found in self.rival.items()
            },
            "copy_commands_per_second": round(copy),
            "copy_commands_per_second_by_commit": {
                str(size): round(found) for size, found in self.copies.items()
            },
            "message_bytes": self.message_bytes,
        }


async def measure(servers: Servers, plan: Plan, logs: Path, show: Show) -> Speeds:
    """Run all three, one after another."""
    async with _stage(servers, "bench_apply", plan, show) as (own, connection):
        ours, size = await _ours(own, connection, plan, logs, 1, show)
        copies = await copying.measure(connection, plan, show)
    async with _stage(servers, "bench_apply", plan, show) as (own, connection):
        by_two, _ = await _ours(own, connection, plan, logs, 2, show)
    theirs = {workers: await _rival(servers, plan, logs, workers, show) for workers in plan.rival_workers}
    return Speeds(ours, by_two, theirs, copies, size)


@asynccontextmanager
async def _stage(
    servers: Servers, name: str, plan: Plan, show: Show
) -> AsyncIterator[tuple[Servers, Connection]]:
    show.step(f"{name}: {plan.accounts:,} accounts")
    async with fresh_database(servers, name) as own:
        connection = await connect(own.database_url, name="bench")
        try:
            await settle(connection, plan.accounts, seed=plan.seed)
            await Days().ensure(connection, [new_id()])
            yield own, connection
        finally:
            await connection.close()


async def _ours(
    own: Servers, connection: Connection, plan: Plan, logs: Path, processes: int, show: Show
) -> tuple[float, int]:
    await start_here(connection, own.kafka_bootstrap, [LANE])
    start = await position(connection, LANE)
    messages = list(commands(plan.commands, account_ids(plan.accounts), seed=plan.seed))
    done = show.step("apply: publishing", plan.commands)
    await publish(own.kafka_bootstrap, LANE.topic.name, messages, done)
    await refresh(connection)
    done = show.step(f"apply: ours, {processes} process(es)", plan.commands)

    async def count() -> int:
        return await position(connection, LANE) - start

    async with AsyncExitStack() as stack:
        workers = [members.worker("commands", servers=own, logs=logs) for _ in range(processes)]
        await asyncio.gather(*(stack.enter_async_context(worker) for worker in workers))
        found = await rate(count, total=plan.commands, warm_up=plan.warm_up, every=0.01, done=done)
    await _check(connection, plan.commands)
    return found, sum(message.size for message in messages) // len(messages)


async def _rival(servers: Servers, plan: Plan, logs: Path, workers: int, show: Show) -> float:
    async with _stage(servers, "bench_rival", plan, show) as (own, connection):
        await _commit_ends(own.kafka_bootstrap)
        messages = commands(plan.rival_commands, account_ids(plan.accounts), seed=plan.seed + 1)
        done = show.step("apply: publishing for the rival", plan.rival_commands)
        await publish(own.kafka_bootstrap, LANE.topic.name, messages, done)
        done = show.step(f"apply: the rival with {workers} worker(s)", plan.rival_commands)

        async def count() -> int:
            found: int = await connection.fetchval("SELECT count(*) FROM journal")
            return found

        async with members.process("bench.rival", str(workers), servers=own, logs=logs):
            found = await rate(
                count, total=plan.rival_commands, warm_up=plan.rival_warm_up, every=0.05, done=done
            )
        await _check(connection, plan.rival_commands)
        return found


async def _commit_ends(bootstrap: str) -> None:
    """Let the rival's group begin behind everything that is on the topic now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=rival.GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = partitions_of(LANE)
        consumer.assign(partitions)
        await consumer.commit(await consumer.end_offsets(partitions))
    finally:
        await consumer.stop()


async def _check(connection: Connection, expected: int) -> None:
    """Every command applied once: a journal row, an outbox row and one version of its profile each."""
    found = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM journal WHERE outcome = 'applied') AS journal,"
        " (SELECT count(*) FROM outbox) AS outbox,"
        " (SELECT sum(version - 1) FROM profiles) AS versions"
    )
    if found is None or {int(value) for value in found.values()} != {expected}:
        raise WrongEffectsError(f"{expected} commands should have left {dict(found or {})}")
