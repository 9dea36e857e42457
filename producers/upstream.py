"""The publishing client for upstream services: facts about accounts, in a few lines and safe to repeat.

    async with UpstreamClient("kafka:9092", source="accounts-service") as upstream:
        await upstream.account_registered(account_id, account_type=AccountType.PAY_GO)

`docs/upstream.md` is the same contract for other languages.
"""

from typing import Self
from uuid import UUID

from producers.publisher import DEADLINE, Publisher
from producers.trace import new_id, traceparent
from topics.accounts import AccountRegistered, AccountType
from topics.codec import encode_body
from topics.ids import ACCOUNT_ID, is_uuid7
from topics.message import Actor, Envelope, Fact, Role
from topics.table import FACTS


class UpstreamClient:
    """Publishes facts in the name of one upstream service. An async context manager.

    `source` names the service in the journal, for instance "accounts-service".
    """

    def __init__(self, bootstrap: str, *, source: str, deadline: float = DEADLINE) -> None:
        if not source or not source.isascii() or not source.isprintable() or len(source) > 100:
            raise ValueError("A source is a name of 1 to 100 printable ASCII characters.")
        self._actor = Actor(source, Role.SERVICE, source)
        self._publisher = Publisher(bootstrap, client_id=source, deadline=deadline)

    async def __aenter__(self) -> Self:
        await self._publisher.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._publisher.__aexit__(*exception)

    async def account_registered(
        self, account_id: str, *, account_type: AccountType, fact_id: UUID | None = None
    ) -> UUID:
        """Tell that an account was opened. Telling it again changes nothing."""
        return await self.publish(account_id, AccountRegistered(account_type=account_type), fact_id=fact_id)

    async def publish(
        self, account_id: str, fact: Fact, *, fact_id: UUID | None = None, trace: str | None = None
    ) -> UUID:
        """Publish one fact and give its id, when all replicas have it.

        Raises `NotPublishedError` after the deadline. Then repeat it with the same `fact_id`, a UUIDv7
        made when the fact was seen: a fact that arrives twice under one id is one fact.
        """
        if not ACCOUNT_ID.fullmatch(account_id):
            raise ValueError("An account id has 32 lower-case hexadecimal characters.")
        if fact_id is not None and not is_uuid7(fact_id):
            raise ValueError("The id of a fact is a UUID of version 7.")
        chosen = fact_id or new_id()
        envelope = Envelope(chosen, fact.type, account_id, self._actor, traceparent=traceparent(trace))
        await self._publisher.publish(FACTS.name, envelope, encode_body(fact))
        return chosen
