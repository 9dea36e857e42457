"""One drill: fresh stores, a history, a fleet of real processes, and the verdict from outside."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from uuid import uuid4

from sandbox.stripe.driver import Driver
from state.postgres.connection import connect
from tests.drills import checker, evidence
from tests.drills.complaint import Complaint, report
from tests.drills.draws import EMAIL_DOMAIN, SURNAMES
from tests.drills.fleet_under_test import FleetUnderTest, Unit
from tests.drills.history import REGISTERED_AGAIN, History
from tests.drills.publishing import Producer
from tests.drills.quiet import OF_EVENTS, OF_WEBHOOKS, Groups, NeverQuietError, until_quiet
from tests.drills.servers import Servers
from tests.drills.stripe_check import check_stripe
from tests.drills.watching import CursorWatch
from topics.codec import Reason
from topics.message import Record
from topics.table import ACCOUNT_PARTITIONS, LANES

SESSION_SECONDS = "3"
"""Of the lanes' groups: a killed worker's partitions are taken over after this."""


@dataclass(slots=True)
class Arena:
    """What a drill holds in its hands."""

    seed: int
    rng: Random
    servers: Servers
    database: str
    history: History
    producer: Producer
    again: Producer
    """Another one, for what is said twice."""
    fleet: FleetUnderTest
    watch: CursorWatch
    stripe: bool
    apart: set[str] = field(default_factory=set)
    """Accounts that pay: beside the history, and judged apart from it."""

    @property
    def dsn(self) -> str:
        """The drill's database, without any proxy."""
        return self.servers.database_url(self.database)

    def worker(self, name: str, *members: str, through_proxy: bool = False, **settings: str) -> Unit:
        """Start a worker process."""
        return self.fleet.worker(name, members, self._environment(through_proxy=through_proxy, **settings))

    def entry_point(self, name: str, surface: str) -> Unit:
        """Start an HTTP process."""
        return self.fleet.entry_point(name, surface, self._environment())

    def _environment(self, *, through_proxy: bool = False, **settings: str) -> dict[str, str]:
        return {
            **self.servers.environment(self.database, through_proxy=through_proxy),
            "KAFKA_SESSION_SECONDS": SESSION_SECONDS,
            "STRIPE_REQUESTS_PER_SECOND": "2000",
            "STRIPE_ENDPOINT_REQUESTS_PER_SECOND": "2000",
            "EFFECTS_LEASE_SECONDS": "13",
            "CALLER_REQUESTS_PER_SECOND": "100000",
            "ACCOUNT_REQUESTS_PER_SECOND": "100000",
            **settings,
        }

    async def register(self) -> None:
        """Publish the registrations and wait until they hold: commands may follow."""
        await self.producer.publish(self.history.registrations())
        await self.quiet()

    async def publish(self, number: int, *, pause: float = 0.0) -> None:
        """Publish that many commands of the history, with a pause behind each portion."""
        await self.producer.publish(self.history.commands(number), pause=pause)

    async def publish_until(
        self, done: Callable[[], bool], *, portion: int = 12, pause: float = 0.25
    ) -> None:
        """Keep commands coming until something has happened; the history grows if it has to."""
        limit = 5 * self.history.size
        while not done():
            if self.history.drawn > limit:
                armed = {unit.name: unit.armed_points for unit in self.fleet.units.values()}
                raise AssertionError(f"seed {self.seed}: {limit} commands did not make it happen: {armed}")
            await self.publish(portion)
            await asyncio.sleep(pause)

    async def publish_during(self, breakage: Awaitable[object]) -> None:
        """Keep commands coming while something is done to the fleet or its servers."""
        doing = asyncio.ensure_future(breakage)
        await self.publish_until(doing.done)
        await doing

    async def publish_rest(self) -> None:
        """Publish what is left of the history."""
        await self.producer.publish(self.history.rest())

    async def quiet(self) -> None:
        """Wait until there is nothing left to do."""
        try:
            await until_quiet(self.dsn, self.servers.bootstrap, groups=self._groups())
        except NeverQuietError as error:
            lives = ", ".join(f"{u.name} ({u.starts} starts)" for u in self.fleet.units.values())
            raise AssertionError(
                f"seed {self.seed}: {error}; units: {lives}; logs: {self.fleet.folder}"
            ) from None

    def _groups(self) -> Groups:
        return {**(OF_EVENTS if self.stripe else {}), **(OF_WEBHOOKS if self.apart else {})}

    async def input(self) -> list[Record]:
        """Everything on the lanes, in the order of each partition."""
        async with evidence.KafkaReader(self.servers.bootstrap) as kafka:
            return [
                record
                for topic in LANES.values()
                for partition in range(ACCOUNT_PARTITIONS)
                for record in await kafka.read(topic.name, partition)
            ]

    async def verdict(self) -> tuple[checker.Findings, list[Complaint]]:
        """Everything that is checked, once it is quiet."""
        findings = checker.Findings(apart=frozenset(self.apart))
        connection = await connect(self.dsn, name="drill-verdict")
        try:
            async with evidence.KafkaReader(self.servers.bootstrap) as kafka:
                for partition in range(ACCOUNT_PARTITIONS):
                    found = await evidence.of_partition(kafka, connection, partition)
                    checker.check_partition(found, findings)
                    await asyncio.sleep(0)
                rest = await evidence.at_rest(kafka, connection)
                letters = await evidence.dead_letters(kafka)
        finally:
            await connection.close()
        complaints = [
            *findings.complaints,
            *checker.check_complete(self.producer.planned, findings),
            *checker.check_rest(rest, findings),
            *checker.check_dead_letters(filter(_not_a_strangers, letters), findings),
            *self.watch.complaints,
        ]
        if self.stripe:
            complaints += await self._stripe(findings)
        return findings, complaints

    async def _stripe(self, findings: checker.Findings) -> list[Complaint]:
        driver = Driver(self.servers.stripe_url)
        try:
            customers = await asyncio.to_thread(driver.objects, "customer")
            tax_ids = await asyncio.to_thread(driver.objects, "tax_id")
        finally:
            driver.close()
        ours = [one for one in customers if one["metadata"].get("account_id") not in self.apart]
        return list(check_stripe(ours, tax_ids, findings.states))

    async def stopped_and_judged(
        self, secrets: Collection[str] = ()
    ) -> tuple[checker.Findings, list[Complaint]]:
        """Stop the fleet in order and check everything; no log may hold a secret. It must be quiet."""
        await asyncio.gather(*(unit.stop() for unit in self.fleet.units.values()))
        findings, complaints = await self.verdict()
        grave = await asyncio.to_thread(self.fleet.grave, (EMAIL_DOMAIN, *SURNAMES, *secrets))
        complaints += [
            Complaint("processes and logs are as they should be", "logs", words) for words in grave
        ]
        return findings, complaints

    async def judge(self) -> checker.Findings:
        """Wait for quiet, stop the fleet, and raise unless every promise was kept."""
        await self.quiet()
        findings, complaints = await self.stopped_and_judged()
        if complaints:
            raise AssertionError(f"{report(self.seed, complaints)}\nlogs: {self.fleet.folder}")
        return findings


def _not_a_strangers(letter: Record) -> bool:
    """Webhooks of customers that nobody has (any more) become letters of their own accord (payments/checker.py)."""
    return (dict(letter.headers).get("dl_reason") or b"").decode() != Reason.UNKNOWN_CUSTOMER


@asynccontextmanager
async def arena(
    servers: Servers,
    folder: Path,
    seed: int,
    commands: int,
    *,
    accounts: int | None = None,
    stripe: bool = False,
    registered_again: float = REGISTERED_AGAIN,
) -> AsyncIterator[Arena]:
    """Everything for one drill."""
    database = f"drill_{uuid4().hex[:12]}"
    await servers.fresh(database)
    dsn = servers.database_url(database)
    async with (
        Producer(servers.bootstrap) as producer,
        Producer(servers.bootstrap) as again,
        FleetUnderTest(folder) as fleet,
        CursorWatch(dsn) as watch,
    ):
        history = History(seed, commands, accounts=accounts, registered_again=registered_again)
        yield Arena(seed, Random(seed), servers, database, history, producer, again, fleet, watch, stripe)
