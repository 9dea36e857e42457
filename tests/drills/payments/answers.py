"""What payers asked for, what they were answered, and what the operation says of it afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.drills.customers import Answer, Customer, Request


@dataclass(frozen=True, slots=True)
class Asked:
    """One request under one key. `told` is what GET /operations/{id} says of the operation; None if none is known."""

    account_id: str
    key: str
    request: Request
    operations: frozenset[UUID]
    answers: Sequence[Answer]
    told: dict[str, Any] | None


async def asked_by(customer: Customer) -> list[Asked]:
    """All requests of one, in order."""
    found = []
    for key, request in customer.requests.items():
        operations = frozenset(customer.known.get(key, ()))
        told = await customer.operation(next(iter(operations))) if operations else None
        answers = customer.answers.get(key, ())
        found.append(Asked(customer.account_id, key, request, operations, answers, told))
    return found
