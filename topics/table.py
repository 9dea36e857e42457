"""The one table of topics: name, key, partitions, retention and what travels on each (DESIGN.md 5)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from topics.message import Kind, Message
from topics.registry import of_kind

ACCOUNT_PARTITIONS: Final = 12
"""The same for all account-keyed topics, and never changed: more partitions would move keys."""


OPERATORS: Final = "operators"
UPSTREAM: Final = "upstream services"
DOWNSTREAM: Final = "downstream services"
"""Others than members and entry points: hosts on which `fleet` is typed, and who is around us."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must exist. `retention` of None keeps records for ever.

    Records bear the time at which the broker wrote them, as ids are judged by it: a producer's own clock
    would vouch for its own ids.
    """

    name: str
    key: str
    partitions: int
    retention: timedelta | None
    messages: tuple[type[Message], ...]
    about: str
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    """Members, entry points and others, by name: what access control on the brokers has to allow."""
    max_bytes: int = 1024 * 1024
    """The largest record the topic takes, headers included."""


COMMANDS: Final = Topic(
    name="billing.commands.v1",
    key="account id",
    partitions=ACCOUNT_PARTITIONS,
    retention=timedelta(days=14),
    messages=(*of_kind(Kind.COMMAND), *of_kind(Kind.RESULT)),
    about="Intents that somebody waits for, from every entry point, and results of effects that they asked for.",
    writers=("dashboard", "iapi", "relay", OPERATORS),
    readers=("commands", OPERATORS),
)
FACTS: Final = Topic(
    name="billing.facts.v1",
    key="account id",
    partitions=ACCOUNT_PARTITIONS,
    retention=timedelta(days=14),
    messages=of_kind(Kind.FACT),
    about="What was observed at a processor or upstream; never refused by a rule.",
    writers=("webhooks", "relay", UPSTREAM, OPERATORS),
    readers=("facts", OPERATORS),
)
BULK: Final = Topic(
    name="billing.bulk.v1",
    key="account id",
    partitions=ACCOUNT_PARTITIONS,
    retention=timedelta(days=14),
    messages=of_kind(Kind.COMMAND),
    about="Commands by the thousand that nobody waits for.",
    writers=("schedule", "paypal-batches", OPERATORS),
    readers=("bulk", OPERATORS),
)
EVENTS: Final = Topic(
    name="billing.events.v1",
    key="account id",
    partitions=ACCOUNT_PARTITIONS,
    retention=timedelta(days=14),
    messages=of_kind(Kind.EVENT),
    about="What happened, for everyone downstream.",
    writers=("relay",),
    readers=("reconciler", DOWNSTREAM),
)
STRIPE_WEBHOOKS: Final = Topic(
    name="billing.stripe.webhooks.v1",
    key="Stripe customer id, else the id of the event's object",
    partitions=ACCOUNT_PARTITIONS,
    retention=timedelta(days=14),
    messages=(),
    about="Webhooks of Stripe, verified and as received but for client secrets.",
    writers=("webhooks entry point",),
    readers=("webhooks",),
)
BRAINTREE_WEBHOOKS: Final = Topic(
    name="billing.braintree.webhooks.v1",
    key="Braintree customer id, else the notification's kind",
    partitions=ACCOUNT_PARTITIONS,
    retention=timedelta(days=14),
    messages=(),
    about="Webhooks of Braintree of the kinds we read, verified and as received.",
    writers=("webhooks entry point",),
    readers=("webhooks",),
)
DEAD_LETTERS: Final = Topic(
    name="billing.dead-letters.v1",
    key="account id or null",
    partitions=ACCOUNT_PARTITIONS,
    retention=timedelta(days=90),
    messages=(),
    about="What could not be applied, as received; headers tell the reason, who has to act and where it came from.",
    writers=("relay",),
    readers=(OPERATORS,),
    max_bytes=8 * 1024 * 1024,  # the largest record of any lane, with unreadable headers spelled out
)

TOPICS: Final = (COMMANDS, FACTS, BULK, EVENTS, STRIPE_WEBHOOKS, BRAINTREE_WEBHOOKS, DEAD_LETTERS)
LANES: Final = {"commands": COMMANDS, "facts": FACTS, "bulk": BULK}
