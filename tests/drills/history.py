"""A known history: what is published on which lane in which order, drawn from a seed.

Accounts are registered first, on the facts lane. After that nothing on that lane changes what a command
finds, so the order of an account's commands alone decides. Most accounts live on the commands lane, some
on the bulk lane. A few are mirrored: each of their commands travels on both lanes in the same order, and
whichever lane comes first applies it. A lane that reaches a command has passed all earlier ones, so the
order of decisions is the published one all the same.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Final
from uuid import UUID

from aiokafka.partitioner import murmur2

from tests.drills import draws
from tests.drills.spoiled import Headers, instead, spoil
from topics.accounts import AccountRegistered, AccountType
from topics.codec import Reason, encode_body, encode_headers
from topics.message import Actor, Envelope, Message
from topics.table import ACCOUNT_PARTITIONS

MARK: Final = "drill"
"""Header of each record: its number on its lane and what is expected of it, `17 ok` or `18 bad_body`."""
VALID: Final = "ok"
COMMANDS, FACTS, BULK = "commands", "facts", "bulk"

INVALID_SHARE: Final = 0.02
REPEATED_AT_ONCE: Final = 0.03
REPEATED_LATER: Final = 0.05
STOLEN_ID: Final = 0.003
STRANGER: Final = 0.01
REGISTERED_AGAIN: Final = 0.01


@dataclass(frozen=True, slots=True)
class Planned:
    """A record to publish, without its number."""

    lane: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    expect: str = VALID

    def marked(self, number: int) -> list[tuple[str, bytes]]:
        """The headers as published."""
        return [*self.headers, (MARK, f"{number} {self.expect}".encode())]


def partition_of(key: bytes) -> int:
    """Where Kafka's producers put a key."""
    found: int = (murmur2(key) & 0x7FFFFFFF) % ACCOUNT_PARTITIONS
    return found


class History:
    """`registrations` must be applied before `commands` are published; `rest` comes last."""

    def __init__(
        self,
        seed: int,
        commands: int,
        *,
        accounts: int | None = None,
        registered_again: float = REGISTERED_AGAIN,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.seed, self.size = seed, commands
        self._rng, self._now, self._registered_again = Random(seed), now, registered_again
        number = accounts or max(30, commands // 25)
        self.accounts = [self._account_id() for _ in range(number)]
        self._strangers = [self._account_id() for _ in range(number // 50 + 1)]
        self._lanes = {account: _lanes(n) for n, account in enumerate(self.accounts)}
        self._last_id = self.drawn = 0
        self._due: list[tuple[int, int, tuple[Planned, ...]]] = []
        self._tie = count()
        self._owned: dict[int, Planned] = {}

    def ordinary(self, number: int) -> list[str]:
        """Accounts that live on the commands lane alone."""
        return [account for account in self.accounts if self._lanes[account] == (COMMANDS,)][:number]

    def registrations(self) -> Iterator[Planned]:
        """What upstream tells of the accounts; some of it twice."""
        for account in self.accounts:
            first = self._registration(account)
            yield first
            if self._rng.random() < REPEATED_AT_ONCE:
                yield first
            if self._rng.random() < INVALID_SHARE:
                yield self._spoiled(self._registration(account))

    def commands(self, number: int) -> Iterator[Planned]:
        """The next `number` commands, with duplicates and records that are no commands among them."""
        for _ in range(number):
            self.drawn += 1
            yield from self._turn(self.drawn)
            while self._due and self._due[0][0] <= self.drawn:
                yield from heappop(self._due)[2]

    def rest(self) -> Iterator[Planned]:
        """What is left of `size`, and then the last duplicates."""
        yield from self.commands(self.size - self.drawn)
        while self._due:
            yield from heappop(self._due)[2]

    def _turn(self, number: int) -> Iterator[Planned]:
        account = self._pick()
        copies = self._command(account)
        yield from copies
        chance = self._rng.random
        if chance() < REPEATED_AT_ONCE:
            yield from copies
        if chance() < REPEATED_LATER:
            heappush(self._due, (number + self._later(), next(self._tie), copies))
        if chance() < INVALID_SHARE:
            yield self._spoiled(self._command(account)[0])
        if chance() < STOLEN_ID:
            yield from self._stolen(account, copies)
        if chance() < self._registered_again:
            yield self._registration(self._rng.choice(self.accounts))

    def _later(self) -> int:
        """After how many commands one is said again: mostly soon, sometimes much later."""
        if self._rng.random() < 0.8:
            return self._rng.randrange(5, 500)
        return self._rng.randrange(500, max(2000, self.size // 2))

    def _pick(self) -> str:
        """Some accounts are much busier than others; a few are unknown."""
        if self._rng.random() < STRANGER:
            return self._rng.choice(self._strangers)
        return self.accounts[int(len(self.accounts) * self._rng.random() ** 2)]

    def _command(self, account: str) -> tuple[Planned, ...]:
        """One command, on each of its account's lanes."""
        actor, message = draws.command(self._rng)
        first, *others = self._lanes.get(account, (COMMANDS,))
        planned = self._planned(first, account, actor, message)
        return (planned, *(replace(planned, lane=lane) for lane in others))

    def registration(self, account: str, account_type: AccountType) -> Planned:
        """What upstream tells of an account that is not one of the history's."""
        return self._planned(FACTS, account, draws.SERVICE, AccountRegistered(account_type=account_type))

    def _registration(self, account: str) -> Planned:
        return self.registration(account, self._rng.choice(list(AccountType)))

    def _planned(self, lane: str, account: str, actor: Actor, message: Message) -> Planned:
        headers = encode_headers(Envelope(self._new_id(), message.type, account, actor))
        return Planned(lane, account.encode(), encode_body(message), tuple(headers))

    def _spoiled(self, planned: Planned) -> Planned:
        (key, value, headers), reason = spoil(
            self._rng, planned.key or b"", planned.value or b"", planned.headers
        )
        return Planned(planned.lane, key, value, headers, reason.value)

    def _stolen(self, account: str, copies: tuple[Planned, ...]) -> Iterator[Planned]:
        """The id of a command turns up for another account of the same partition, behind it."""
        if len(copies) > 1:
            return
        partition = partition_of(account.encode())
        victim, self._owned[partition] = self._owned.get(partition), copies[0]
        if victim is None or victim.lane != copies[0].lane or victim.key == copies[0].key:
            return
        headers = instead(copies[0].headers, "ce_id", dict(victim.headers)["ce_id"])
        yield replace(copies[0], headers=headers, expect=Reason.BAD_ID.value)

    def _new_id(self) -> UUID:
        """A UUIDv7 above the one before, as one careful producer makes them."""
        rng = self._rng
        fresh = (
            int(self._now() * 1000) << 80
            | 0x7 << 76
            | rng.getrandbits(12) << 64
            | 2 << 62
            | rng.getrandbits(62)
        )
        self._last_id = max(fresh, self._last_id + 1)
        return UUID(int=self._last_id)

    def _account_id(self) -> str:
        return f"{self._rng.getrandbits(128):032x}"


def _lanes(number: int) -> tuple[str, ...]:
    kinds = {8: (BULK,), 9: (COMMANDS, BULK)}
    return kinds.get(number % 10, (COMMANDS,))
