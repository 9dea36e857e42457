"""Ids made at the edge."""

from datetime import UTC, datetime

import pytest

from producers.trace import new_id, traceparent
from topics.ids import is_uuid7, uuid7_time


def test_ids_are_of_version_7_and_say_when_they_were_made() -> None:
    before = datetime.now(UTC).timestamp()
    made = new_id()
    assert is_uuid7(made)
    assert before - 0.002 <= uuid7_time(made).timestamp() <= datetime.now(UTC).timestamp()


def test_however_many_ids_are_made_at_once_none_runs_ahead_of_the_clock() -> None:
    made = [new_id() for _ in range(20_000)]
    assert len(set(made)) == len(made)
    assert max(map(uuid7_time, made)) <= datetime.now(UTC)


def test_a_trace_goes_on() -> None:
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert traceparent(given) == given


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "x",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n",
    ],
)
def test_what_is_no_trace_context_begins_a_new_one(given: str | None) -> None:
    begun = traceparent(given)
    assert begun != given
    assert traceparent(begun) == begun
