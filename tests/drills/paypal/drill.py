"""The drill: a dry run, the run after it, Braintree's import, payments and ways back, with kills all along."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import uuid4

from producers.publisher import Publisher
from producers.trace import new_id, traceparent
from state.postgres import paypal_batches
from state.postgres.connection import STORE_DOWN, Connection, connect
from tests.drills.arena import Arena
from tests.drills.complaint import Complaint
from tests.drills.crash_points import crash_points, passings
from tests.drills.fleet_under_test import Unit
from tests.drills.paypal.legacy import EMAIL_DOMAIN, Kind, Legacy, drawn
from tests.drills.paypal.vault import Vault, imported
from tests.drills.paypal.verdict import gathered, judged, new_token
from topics.accounts import AccountRegistered, AccountType
from topics.codec import encode_body
from topics.message import Actor, Envelope, Message, Role
from topics.payment_methods import RemovePaymentMethod
from topics.paypal_batches import StartPayPalBatch
from topics.paypal_migrations import ReviewPayPalMigrations, RollBackPayPalMigration
from topics.table import BULK, COMMANDS, FACTS, Topic

ACTOR: Final = Actor("operator:drill", Role.SUPPORT, "/drill")
TOGETHER: Final = 500
PATIENCE: Final = 600.0
PAID: Final = frozenset({Kind.MOVED, Kind.EXCHANGED})
BETWEEN_KILLS: Final = (0.3, 2.5)
GIVEN_UP: Final = 12.0


@dataclass(slots=True)
class Report:
    """What came of a drill."""

    complaints: list[Complaint] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)


async def paypal_drill(drill: Arena, number: int) -> Report:
    """Run it over that many methods; complaints and figures are in the result."""
    began, vault = time.monotonic(), Vault(drill.servers.braintree_url)
    try:
        run = _Run(drill, vault, drawn(drill.rng, number))
        async with Publisher(drill.servers.bootstrap, client_id="drill") as publisher:
            run.publisher = publisher
            await run.begin()
            async with run.killed_all_along():
                await run.through()
            await drill.quiet()
            return await run.report(time.monotonic() - began)
    finally:
        vault.close()


@dataclass(slots=True)
class _Run:
    drill: Arena
    vault: Vault
    methods: list[Legacy]
    publisher: Publisher = field(init=False)
    paid: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    async def begin(self) -> None:
        """The fleet, the vault and the accounts as the older system left them."""
        self.drill.worker("lanes-1", "commands", "facts", "bulk", "relay")
        self.drill.worker("lanes-2", "commands", "facts", "bulk", "relay")
        for name in ("effects-1", "effects-2"):
            self.drill.worker(name, "effects", BRAINTREE_REQUESTS_PER_SECOND="5000", EFFECTS_CONCURRENCY="32")
        for name in ("batches-1", "batches-2"):
            self.drill.worker(name, "paypal-batches")
        await self.drill.fleet.ready()
        for at, one in enumerate(self.methods):
            if one.kind is Kind.YOUNG:
                self.methods[at] = replace(one, reference=self.vault.nonce_for(one))
        await asyncio.to_thread(self.vault.fill, self.methods)
        await self._say(
            FACTS, ((one.account, AccountRegistered(account_type=AccountType.PAY_GO)) for one in self.methods)
        )
        await self._say(FACTS, ((one.account, one.fact()) for one in self.methods))
        await self.drill.quiet()

    async def through(self) -> None:
        """From the dry run to the first payments, each phase as far as it goes by itself."""
        dry = await self._batch("the dry run", dry_run=True)
        run = await self._batch("the run", dry_run=False, after=dry)
        await self._imports(run)
        removed = [one for one in self.methods if one.kind is Kind.REMOVED]
        await self._say(
            COMMANDS, ((one.account, RemovePaymentMethod(method_id=one.method_id)) for one in removed)
        )
        await self._look("the switch", run)
        await self._say(BULK, self._ways_back())
        self.paid = [new_token(one) for one in self.methods if one.kind in PAID]
        await self.vault.charge(self.paid)
        await self._look("letting go", run)

    def _ways_back(self) -> Iterable[tuple[str, Message]]:
        for one in self.methods:
            if one.kind is Kind.TAKEN_BACK:
                yield one.account, RollBackPayPalMigration(method_id=one.method_id, reason="a drill")

    async def _batch(self, phase: str, **given: Any) -> str:
        batch, began = uuid4().hex, time.monotonic()
        start = StartPayPalBatch(cap=len(self.methods) + 1, reason="a drill", **given)
        await self._say(COMMANDS, [(batch, start)])
        await self._until_through(batch)
        self.seconds[phase] = time.monotonic() - began
        return batch

    async def _imports(self, run: str) -> None:
        """Braintree imports what `fleet paypal-migrations export` would hand it, but for what it can't."""
        skipped = {one.account for one in self.methods if not imported(one)}
        mistaken = frozenset(new_token(one) for one in self.methods if one.kind is Kind.MISTAKEN)
        async with self._store() as connection:
            rows = await paypal_batches.awaited(connection, run)
        by_id = {(one.account, one.method_id): one for one in self.methods}
        wanted = [
            (row["account_id"], row["new_reference"], by_id[row["account_id"], row["method_id"]].agreement)
            for row in rows
            if row["account_id"] not in skipped
        ]
        await asyncio.to_thread(self.vault.import_, wanted, mistaken)

    async def _look(self, phase: str, run: str) -> None:
        """Have everything that waits looked at, until nothing moves any more."""
        began = time.monotonic()
        async with self._store() as connection:
            accounts = await paypal_batches.waiting_accounts(connection, run)
        await self._say(BULK, ((account, ReviewPayPalMigrations()) for account in accounts))
        await self.drill.quiet()
        self.seconds[phase] = time.monotonic() - began

    async def _until_through(self, batch: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await self._through(batch):
                await asyncio.sleep(0.25)

    async def _through(self, batch: str) -> bool:
        with suppress(*STORE_DOWN):
            async with self._store() as connection:
                found = await paypal_batches.find(connection, batch)
                if found is None or found["finished_at"] is None:
                    return False
                outcomes = await paypal_batches.outcomes(connection, batch)
                pending = any(row["outcome"] == "pending" for row in outcomes)
                return not pending and not await paypal_batches.under_way(connection, batch)
        return False

    @asynccontextmanager
    async def _store(self) -> AsyncIterator[Connection]:
        connection = await connect(self.drill.dsn, name="drill")
        try:
            yield connection
        finally:
            await connection.close(timeout=2)

    async def _say(self, topic: Topic, said: Iterable[tuple[str, Message]]) -> None:
        messages = list(said)
        for first in range(0, len(messages), TOGETHER):
            await asyncio.gather(*(self._publish(topic, *one) for one in messages[first : first + TOGETHER]))

    async def _publish(self, topic: Topic, account: str, message: Message) -> None:
        envelope = Envelope(new_id(), message.type, account, ACTOR, traceparent=traceparent(None))
        await self.publisher.publish(topic.name, envelope, encode_body(message))

    @asynccontextmanager
    async def killed_all_along(self) -> AsyncIterator[None]:
        """While the block runs processes die, at named points and at any other moment."""
        task = asyncio.create_task(self._kill())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            for unit in self.drill.fleet.units.values():
                unit.disarm()

    async def _kill(self) -> None:
        """One process after the other. A point that this phase does not pass is given up after a while."""
        rng, units = self.drill.rng, list(self.drill.fleet.units.values())
        while True:
            await asyncio.sleep(rng.uniform(*BETWEEN_KILLS))
            unit = rng.choice(units)
            if rng.random() < 0.3:
                unit.kill()
                continue
            unit.arm(passings(_points(unit), rng, most=6)[:1])
            with suppress(TimeoutError):
                async with asyncio.timeout(GIVEN_UP):
                    while not unit.tried:
                        await asyncio.sleep(0.1)
            unit.disarm()

    async def report(self, seconds: float) -> Report:
        """The verdict, with the fleet stopped."""
        units = self.drill.fleet.units.values()
        await asyncio.gather(*(unit.stop() for unit in units))
        driver = self.vault.driver
        async with self._store() as connection:
            found = await gathered(connection, self.methods, driver.methods(), driver.transactions())
        complaints = judged(self.methods, found, self.paid)
        nonces = [one.reference for one in self.methods if one.kind is Kind.YOUNG]
        grave = await asyncio.to_thread(self.drill.fleet.grave, (EMAIL_DOMAIN, *nonces))
        complaints += [Complaint("logs are as they should be", "logs", words) for words in grave]
        died: Counter[str] = Counter()
        for unit in units:
            for point, count in unit.died_at.items():
                died[point.partition(":")[0]] += count
        return Report(
            complaints,
            {
                "seed": self.drill.seed,
                "methods": len(self.methods),
                "kinds": {kind.value: n for kind, n in Counter(one.kind for one in self.methods).items()},
                "seconds": {phase: round(took, 1) for phase, took in self.seconds.items()},
                "seconds_in_all": round(seconds, 1),
                "kills": sum(died.values()),
                "killed_at": dict(sorted(died.items())),
                "braintree_requests": int(self.drill.fleet.total("billing_braintree_requests_total")),
                "payments": len(self.paid),
                "complaints": len(complaints),
            },
        )


def _points(unit: Unit) -> Sequence[str]:
    if unit.name.startswith("effects"):
        return [name for name in crash_points("paypal") if name != "paypal.asked"] + crash_points("effects")
    if unit.name.startswith("batches"):
        return ["paypal.asked"]
    return [*crash_points("loop"), *crash_points("relay")]
