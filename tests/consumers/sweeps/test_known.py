"""Towards which processors something is on its way."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consumers.sweeps.known import _under_way


def owed(target: str, *, state: str = "open", age: timedelta = timedelta(0)) -> Any:
    """A row of work, and how long it has waited when it is looked at."""
    return {"target": target, "state": state, "age": age}


@pytest.mark.parametrize(
    ("row", "busy", "stuck"),
    [
        (owed("stripe"), {"stripe"}, set()),
        (owed("braintree", state="failed"), set(), {"braintree"}),
        (owed("stripe", age=timedelta(minutes=16)), set(), {"stripe"}),
        (owed("deadline"), set(), set()),
        (owed("paypal_migration"), set(), set()),
    ],
)
def test_only_work_at_a_processor_keeps_from_looking_at_it(row: Any, busy: set[str], stuck: set[str]) -> None:
    row["created_at"] = datetime.now(UTC) - row.pop("age")
    assert _under_way([row]) == (busy, stuck)
