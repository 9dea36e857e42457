"""A Redis that failed is left alone for a while."""

import time

import pytest

from state.redis.patience import SECONDS, Patience


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be moved."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_everybody_asks_while_redis_answers(clock: list[float]) -> None:
    found = Patience()
    assert found.may_ask()
    assert found.may_ask()
    assert clock == [100.0]


def test_after_a_failure_nobody_asks_and_then_one_for_all(clock: list[float]) -> None:
    found = Patience()
    found.failed()
    assert not found.may_ask()
    clock[0] += SECONDS
    assert found.may_ask()
    assert not found.may_ask()


def test_when_the_one_is_answered_everybody_asks_again(clock: list[float]) -> None:
    found = Patience()
    found.failed()
    clock[0] += SECONDS
    assert found.may_ask()
    found.answered()
    assert found.may_ask()
