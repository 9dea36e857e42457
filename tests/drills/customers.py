"""Customers at the Dashboard: they send, and send again under the same key until they know what came of it."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from uuid import UUID

import httpx

from state.postgres import api_tokens
from state.postgres.connection import Connection, connect
from tests import plain_http
from tests.drills.arena import Arena
from tests.drills.complaint import Complaint
from tests.drills.draws import EMAIL_DOMAIN
from tests.drills.evidence import KafkaReader
from tests.drills.history import MARK, partition_of
from topics.message import Record
from topics.table import COMMANDS

PATIENCE: Final = 300.0
"""Seconds for which a request is sent again: on a busy machine a lane is minutes behind, and an effect that failed
often waits for long."""
PAUSE: Final = 0.1
Request = tuple[str, str, dict[str, Any] | None]
"""Method, path below the account's, and body."""
Answer = tuple[int, Any]
"""Status, and the result or the errors."""
PROFILE: Final = "billing/profile"
START_AGAIN: Final = "ask for another one"
"""In the words of a 503: what the operation was to hand over is lost, and this key will not bring it."""
_ROWS: Final = """
SELECT account_id, count(*) AS number
FROM journal
WHERE actor_role = 'customer' AND actor <> 'token:drill'
GROUP BY account_id
"""
_ERASED: Final = (
    "SELECT DISTINCT account_id FROM journal WHERE type = 'billing.accounts.erase.v1' AND outcome = 'applied'"
)
ONCE: Final = "one operation for each idempotency key"


@dataclass(slots=True)
class Customer:
    """One account's owner, who sends one request after the other.

    `known` has what each key came to: every operation id that was ever named for it.
    """

    account_id: str
    secret: str
    rng: Random
    urls: Sequence[str]
    requests: dict[str, Request] = field(default_factory=dict)
    known: dict[str, set[UUID]] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    last: str = "none"
    retries: int = 0

    async def send(self, number: int) -> None:
        """Send `number` requests; each is answered before the next."""
        for _ in range(number):
            await self.ask(self._request())

    async def ask(self, request: Request) -> Answer:
        """Send one request under a new key until its answer is known."""
        key = f"{self.account_id}-{len(self.requests)}"
        self.requests[key] = request
        async with self._client() as client:
            return await self._until_answered(client, key)

    async def read(self, path: str) -> Any:
        """What the Dashboard shows below the account now; None when it can't be had."""
        return await self._read(self._below(path))

    async def operation(self, operation_id: UUID) -> Any:
        """What came of an operation, as the Dashboard tells it."""
        return await self._read(f"/client/v4/operations/{operation_id}")

    async def _read(self, path: str) -> Any:
        async with self._client() as client:
            with suppress(httpx.TransportError):
                answer = await client.get(f"{self.rng.choice(self.urls)}{path}")
                return answer.json()["result"] if answer.is_success else None
        return None

    async def keep_sending(self, enough: asyncio.Event, pause: float) -> None:
        """Send one request after the other until it is enough."""
        while not enough.is_set():
            await self.send(1)
            await asyncio.sleep(pause)

    async def send_again(self, number: int) -> None:
        """Repeat some requests that were answered: they must be answered the same."""
        async with self._client() as client:
            for key in self.rng.sample(sorted(self.requests), number):
                await self._until_answered(client, key)

    def _client(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.secret}"}
        return plain_http.client(headers=headers, timeout=15)

    def _below(self, path: str) -> str:
        return f"/client/v4/accounts/{self.account_id}/{path}"

    def _request(self) -> Request:
        profile = {
            "last_name": "Hopper",
            "address": "7 High St",
            "city": "London",
            "zipcode": "SW1A 1AA",
            "country": "GB",
            "billing_email": f"user{self.rng.randrange(10**9)}@{EMAIL_DOMAIN}",
        }
        patch = {"billing_email": profile["billing_email"]}
        requests: tuple[tuple[str, dict[str, Any] | None], ...] = (
            *(("POST", profile), ("PUT", profile)),
            *(("PATCH", patch), ("DELETE", None)),
        )
        ((method, body),) = self.rng.choices(requests, (3, 4, 4, 1))
        return method, PROFILE, body

    async def _until_answered(self, client: httpx.AsyncClient, key: str) -> Answer:
        """A broken connection, 503 or 202 tells nothing: ask again, at another process."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._asked_until_answered(client, key)
        except TimeoutError:
            method, path, _ = self.requests[key]
            operations = ", ".join(map(str, self.known.get(key, ())))
            words = f"{method} {path} of {self.account_id} has no answer after {PATIENCE:.0f} s"
            raise AssertionError(f"{words}; operations {operations or 'unknown'}; last {self.last}") from None

    async def _asked_until_answered(self, client: httpx.AsyncClient, key: str) -> Answer:
        method, path, body = self.requests[key]
        while True:
            url = f"{self.rng.choice(self.urls)}{self._below(path)}"
            try:
                answer = await client.request(method, url, json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError as error:
                self.last = type(error).__name__
            else:
                self.last = f"{answer.status_code} {answer.text[:300]}"
                if self._learn(key, answer):
                    return self.answers[key][-1]
            self.retries += 1
            await asyncio.sleep(PAUSE)

    def _learn(self, key: str, answer: httpx.Response) -> bool:
        """Note what was said; whether it is final."""
        operation = answer.headers.get("operation-id")
        if operation:
            self.known.setdefault(key, set()).add(UUID(operation))
        over = answer.status_code == 400 or (answer.status_code == 503 and START_AGAIN in answer.text)
        if not over and (answer.status_code == 202 or answer.status_code >= 500 or not operation):
            return False
        said = answer.json()
        self.answers.setdefault(key, []).append((answer.status_code, said["result"] or said["errors"]))
        return True


def check_customers(
    customers: Sequence[Customer],
    log: Sequence[Record],
    journaled: Counter[str],
    erased: Collection[str] = (),
) -> Iterator[Complaint]:
    """Each key is one operation, each operation is journaled once, and they were published in order.

    `journaled` counts the journal's rows of each customer's token by account. The answers of `erased` accounts
    may have lost their words.
    """
    first: dict[str, list[UUID]] = {}
    for record in log:
        command_id = UUID((dict(record.headers)["ce_id"] or b"").decode())
        order = first.setdefault((record.key or b"").decode(), [])
        if command_id not in order:
            order.append(command_id)
    for customer in customers:
        where = f"account {customer.account_id}"
        for key, operations in customer.known.items():
            if len(operations) != 1:
                yield Complaint(ONCE, where, f"key {key} is {len(operations)} operations")
        for key, answers in customer.answers.items():
            if any(not _the_same(answer, answers[0], customer.account_id in erased) for answer in answers):
                yield Complaint("a repeated request is answered the same", where, f"{key}: {answers}")
        if journaled[customer.account_id] != len(customer.known):
            difference = f"{len(customer.known)} keys, {journaled[customer.account_id]} journal rows"
            yield Complaint(ONCE, where, difference)
        asked = [next(iter(operations)) for operations in customer.known.values()]
        if asked != first.get(customer.account_id, []):
            yield Complaint("requests are applied in the order they were answered", where, "they are not")


def _the_same(answer: Answer, first: Answer, erased: bool) -> bool:
    lost = erased and answer[0] == first[0] and (not answer[1] or answer[0] >= 400)
    return answer == first or lost


async def customers_of(drill: Arena, number: int, urls: Sequence[str]) -> list[Customer]:
    """Customers with tokens for accounts of the history."""
    connection = await connect(drill.dsn, name="drill-tokens")
    try:
        return [
            Customer(account_id, await token_for(connection, account_id), drill.rng, urls)
            for account_id in drill.history.ordinary(number)
        ]
    finally:
        await connection.close()


async def token_for(connection: Connection, account_id: str) -> str:
    """A token of the Dashboard for one account."""
    scopes = [api_tokens.WRITE]
    _, secret = await api_tokens.create(connection, name="drill", accounts=[account_id], scopes=scopes)
    return secret


async def judge_customers(drill: Arena, customers: Sequence[Customer]) -> list[Complaint]:
    """Read what became of the customers' requests, and judge it."""
    async with KafkaReader(drill.servers.bootstrap) as kafka:
        asked = [
            record
            for partition in sorted({partition_of(customer.account_id.encode()) for customer in customers})
            for record in await kafka.read(COMMANDS.name, partition)
            if MARK not in dict(record.headers)
        ]
    connection = await connect(drill.dsn, name="drill-verdict")
    try:
        rows = await connection.fetch(_ROWS)
        erased = {row["account_id"] for row in await connection.fetch(_ERASED)}
    finally:
        await connection.close()
    journaled = Counter({row["account_id"]: row["number"] for row in rows})
    return list(check_customers(customers, asked, journaled, erased))
