"""A surface: what it is made of, and the connections that are open while it serves."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog
from redis.asyncio import Redis

from producers.http.background import kept_up
from producers.http.callers import Access, Caller
from producers.http.errors import unavailable
from producers.http.failures import Failures
from producers.http.outcomes import Outcomes
from producers.http.pool import Pool, pool, taken
from producers.publisher import Publisher
from state.postgres.connection import STORE_DOWN, Connection
from state.redis import connection as redis_connection
from state.redis.patience import Patience
from state.redis.rate_limits import Rate, RateLimits
from topics.table import COMMANDS

log = structlog.get_logger()

View = Callable[[str, Any], Any]
"""From an account id and the result of a command to what this surface shows of it."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How often one caller, all callers of one account, and one address without credentials may ask.

    `failures` is how often an address may come with credentials that do not hold.
    """

    caller: Rate
    account: Rate
    address: Rate
    failures: Rate


RATES: Final = Rates(
    caller=Rate(per_second=100, burst=200),
    account=Rate(per_second=20, burst=60),
    address=Rate(per_second=5, burst=20),
    failures=Rate(per_second=1, burst=60),
)
"""What is usual; a process may be told otherwise."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a surface is told by its process."""

    database_url: str
    redis_url: str
    kafka_bootstrap: str
    rates: Rates = RATES
    wait_seconds: float = 10.0
    publish_seconds: float = 5.0
    pool_size: int = 8
    commands_topic: str = COMMANDS.name


@dataclass(frozen=True, slots=True)
class Kind:
    """What tells one surface from another. `name` is its name in metrics, the journal and Redis."""

    name: str
    title: str
    base: str
    about: str
    access: Callable[[Pool], Access]
    views: Mapping[str, View]
    may_read: Callable[[Caller, str], bool]
    """Whether a caller may know of commands of this type, sent by somebody else, and read their results."""


@dataclass(frozen=True, slots=True)
class Surface:
    """A surface while it is open."""

    kind: Kind
    settings: Settings
    pool: Pool
    redis: Redis
    carrier: Redis
    """The same Redis with more patience, for secrets, which travel by nothing else."""
    patience: Patience
    publisher: Publisher
    outcomes: Outcomes
    limits: RateLimits
    failures: Failures
    access: Access

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection to read from. Raises 1503 when PostgreSQL can't be asked."""
        try:
            async with taken(self.pool) as connection:
                yield connection
        except STORE_DOWN as down:
            log.warning("postgres_unavailable", surface=self.kind.name, error=type(down).__name__)
            raise unavailable() from down

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """As `reading`, with every statement seeing the same moment."""
        async with (
            self.reading() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection


@asynccontextmanager
async def opened(kind: Kind, settings: Settings) -> AsyncIterator[Surface]:
    """Open everything; nothing has to be reachable yet, `/readyz` tells."""
    async with AsyncExitStack() as stack:
        connections = await stack.enter_async_context(
            pool(settings.database_url, name=kind.name, size=settings.pool_size)
        )
        redis = redis_connection.connect(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        carrier = redis_connection.connect(settings.redis_url, timeout=redis_connection.CARRYING)
        stack.push_async_callback(carrier.aclose)
        publisher = await stack.enter_async_context(
            Publisher(settings.kafka_bootstrap, client_id=kind.name, deadline=settings.publish_seconds)
        )
        outcomes = Outcomes(connections, redis, kind.name)
        for work in (outcomes.listen, outcomes.look):
            await stack.enter_async_context(kept_up(work, surface=kind.name))
        patience = Patience()
        limits = RateLimits(redis, kind.name, patience)
        yield Surface(
            kind=kind,
            settings=settings,
            pool=connections,
            redis=redis,
            carrier=carrier,
            patience=patience,
            publisher=publisher,
            outcomes=outcomes,
            limits=limits,
            failures=Failures(limits, settings.rates.failures),
            access=kind.access(connections),
        )
