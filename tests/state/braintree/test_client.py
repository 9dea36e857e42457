"""What the client makes of an answer that Braintree is asked for too often."""

from typing import Any, cast

import pytest
from braintree.exceptions.too_many_requests_error import TooManyRequestsError

from state.braintree.client import Braintree, Caller, Credentials
from state.redis.budget import Budget, Priority
from state.stripe.answers import Limited
from state.stripe.breaker import Breaker


class Noting:
    """A budget that lets everything through and notes who is slowed down."""

    def __init__(self) -> None:
        self.slowed: list[str | None] = []

    async def take(self, endpoint: str, priority: Priority) -> None:
        """At once."""

    async def slow_down(self, endpoint: str | None) -> None:
        self.slowed.append(endpoint)


def too_often(_gateway: Any) -> None:
    raise TooManyRequestsError


@pytest.mark.asyncio
async def test_after_a_429_the_whole_fleet_goes_slower() -> None:
    budget = Noting()
    keys = Credentials("merchant", "public", "private", "sandbox")
    braintree = Braintree(keys, budget=cast(Budget, budget), breaker=Breaker(), threads=1)
    try:
        answer = await Caller(braintree, Priority.CUSTOMER, lambda: None).call(
            "GET /customers/{id}", too_often
        )
    finally:
        await braintree.close()
    assert isinstance(answer, Limited)
    assert budget.slowed == [None]
