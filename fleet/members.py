"""The members of the fleet by name, and how each is built from the settings."""

import os
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Protocol

from redis.asyncio import Redis

from consumers.effects import Effects, EffectsSettings
from consumers.lane import LANES
from consumers.log import KafkaLog
from consumers.loop import Loop, LoopSettings
from consumers.performers import performers
from consumers.reconciler import Reconciler
from consumers.relay import Relay
from consumers.sweeps.asking import Processors
from consumers.sweeps.sweeper import Sweeper, SweepSettings
from consumers.webhooks import Webhooks
from fleet.settings import Settings
from handlers.policy import Policy
from observability import metrics
from producers.paypal_batches import PayPalBatches
from producers.schedule import Schedule
from state.braintree.client import Braintree, Credentials
from state.redis.budget import Budget, Limits
from state.redis.connection import CARRYING
from state.redis.connection import connect as connect_redis
from state.stripe.breaker import Breaker
from state.stripe.client import Stripe
from topics.accounts import AccountType

POLL_AGE_LIMIT: Final = 60.0
"""Seconds without a poll after which a process is not alive any more."""


class Running(Protocol):
    """Work that goes on until it is stopped."""

    async def run(self) -> None:
        """Work; raises on defects, which end the process."""

    def stop(self) -> None:
        """Finish what is under way and return from `run`."""


async def _nothing() -> None:
    """Nothing to close."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member in this process: its work, what its health says, and what to close after it.

    `trouble` gives a sentence while it is not fit for work, `stuck` while it should be killed.
    """

    name: str
    running: Running
    brokers: tuple[Any, ...] = ()
    trouble: Callable[[], str | None] = field(default=lambda: None)
    stuck: Callable[[], str | None] = field(default=lambda: None)
    close: Callable[[], Awaitable[None]] = field(default=_nothing)


def identity() -> str:
    """A name for this process that an operator can find."""
    return f"{socket.gethostname()}-{os.getpid()}"


def build(name: str, settings: Settings) -> Member:
    """One member by name, inside the running loop. Raises `KeyError` for a name that is none."""
    return BUILDERS[name](settings)


def policy_of(settings: Settings) -> Policy:
    """What the business sets, as the handlers are told of it."""
    return Policy(
        methods=settings.payment_methods_per_account,
        methods_of={AccountType.ENTERPRISE: settings.payment_methods_per_enterprise_account},
    )


def _lane(name: str) -> Callable[[Settings], Member]:
    def builder(settings: Settings) -> Member:
        lane = replace(LANES[name], policy=policy_of(settings))
        loop = Loop(
            lane,
            KafkaLog(
                lane,
                settings.kafka_bootstrap,
                f"{name}-{identity()}",
                session_seconds=settings.kafka_session_seconds,
            ),
            dsn=settings.database_url,
            redis=connect_redis(settings.redis_url),
            settings=LoopSettings(
                workers=min(settings.lane_workers, lane.workers),
                batch=min(settings.lane_batch, lane.batch),
                backlog=settings.lane_backlog,
                invalid_share=settings.invalid_share,
            ),
        )
        _polled(name, lambda: loop.polled_at)
        return Member(
            name,
            loop,
            trouble=lambda: str(loop.halted) if loop.halted else None,
            stuck=lambda: _stale(name, loop.alive_at),
        )

    return builder


def _relay(settings: Settings) -> Member:
    relay = Relay(dsn=settings.database_url, bootstrap=settings.kafka_bootstrap)
    return Member("relay", relay, stuck=lambda: _stale("relay", relay.rounded_at))


def _effects(settings: Settings) -> Member:
    redis = connect_redis(settings.redis_url)
    carrier = connect_redis(settings.redis_url, timeout=CARRYING)
    stripe, braintree = stripe_of(settings, redis), _braintree(settings, redis)
    effects = Effects(
        performers(stripe, braintree, carrier),
        dsn=settings.database_url,
        worker=identity(),
        settings=EffectsSettings(
            concurrency=settings.effects_concurrency,
            lease=timedelta(seconds=settings.effects_lease_seconds),
        ),
    )

    async def close() -> None:
        await stripe.close()
        await braintree.close()
        await redis.aclose()
        await carrier.aclose()

    return Member("effects", effects, close=close)


def stripe_of(settings: Settings, redis: Redis) -> Stripe:
    """The way to Stripe, in the fleet's budget."""
    limits = Limits(settings.stripe_requests_per_second, settings.stripe_endpoint_requests_per_second)
    return Stripe(
        api_key=settings.stripe_api_key.get_secret_value(),
        base_url=settings.stripe_api_base,
        budget=Budget(redis, limits),
        breaker=Breaker(),
    )


def _sweeps(settings: Settings) -> Member:
    redis = connect_redis(settings.redis_url)
    stripe, braintree = stripe_of(settings, redis), _braintree(settings, redis)
    hours = settings.sweep_every_hours
    sweeper = Sweeper(
        Processors(stripe, braintree, braintree_keys=has_braintree(settings)),
        dsn=settings.database_url,
        worker=identity(),
        settings=SweepSettings(
            every=timedelta(hours=hours) if hours else None,
            method_parts=settings.sweep_method_parts,
            recent=timedelta(seconds=settings.sweep_recent_seconds),
            round_pause=timedelta(seconds=settings.sweep_round_seconds),
        ),
    )

    async def close() -> None:
        await stripe.close()
        await braintree.close()
        await redis.aclose()

    return Member("sweeps", sweeper, close=close)


def _schedule(settings: Settings) -> Member:
    schedule = Schedule(
        dsn=settings.database_url, bootstrap=settings.kafka_bootstrap, client_id=f"schedule-{identity()}"
    )
    return Member("schedule", schedule)


def _paypal_batches(settings: Settings) -> Member:
    batches = PayPalBatches(
        dsn=settings.database_url,
        bootstrap=settings.kafka_bootstrap,
        worker=identity(),
    )
    return Member("paypal-batches", batches)


UNSET: Final = "unset"
"""Stands for credentials that were not given: the SDK refuses empty ones, and Braintree will refuse these."""


def has_braintree(settings: Settings) -> bool:
    """Whether all of Braintree's credentials were given."""
    private_key = settings.braintree_private_key.get_secret_value()
    return bool(settings.braintree_merchant_id and settings.braintree_public_key and private_key)


def _braintree(settings: Settings, redis: Redis) -> Braintree:
    rate = float(settings.braintree_requests_per_second)
    return Braintree(
        Credentials(
            settings.braintree_merchant_id or UNSET,
            settings.braintree_public_key or UNSET,
            settings.braintree_private_key.get_secret_value() or UNSET,
            settings.braintree_environment,
        ),
        budget=Budget(redis, Limits(rate, rate), processor="braintree"),
        breaker=Breaker(gauge=metrics.BRAINTREE_BREAKER),
        threads=settings.braintree_threads,
    )


def _webhooks(settings: Settings) -> Member:
    webhooks = Webhooks(
        dsn=settings.database_url, bootstrap=settings.kafka_bootstrap, client_id=f"webhooks-{identity()}"
    )
    _polled("webhooks", lambda: webhooks.polled_at)
    return Member("webhooks", webhooks, brokers=(webhooks.broker,))


def _reconciler(settings: Settings) -> Member:
    reconciler = Reconciler(
        dsn=settings.database_url, bootstrap=settings.kafka_bootstrap, client_id=f"reconciler-{identity()}"
    )
    _polled("reconciler", lambda: reconciler.polled_at)
    return Member("reconciler", reconciler, brokers=(reconciler.broker,))


def _polled(name: str, at: Callable[[], float]) -> None:
    """The age is told at the moment it is asked for: one that is set by what hangs would hang with it."""
    metrics.POLL_AGE_SECONDS.labels(lane=name).set_function(lambda: time.monotonic() - at())


def _stale(name: str, since: float) -> str | None:
    age = time.monotonic() - since
    return f"{name} has done no round for {age:.0f} s" if age > POLL_AGE_LIMIT else None


BUILDERS: Final[dict[str, Callable[[Settings], Member]]] = {
    **{name: _lane(name) for name in LANES},
    "relay": _relay,
    "effects": _effects,
    "reconciler": _reconciler,
    "webhooks": _webhooks,
    "sweeps": _sweeps,
    "schedule": _schedule,
    "paypal-batches": _paypal_batches,
}
