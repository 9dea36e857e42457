"""One limit in this process, on a clock of the test's own."""

import pytest

from state.redis.buckets import LEAST_PACE, STEADY, Bucket
from state.redis.budget import Priority


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 9, 10, 25])
def test_a_bucket_never_gives_more_than_its_limit_in_any_second(limit: int) -> None:
    bucket, given = Bucket(limit, 0.0), []
    for step in range(5_000):
        now = step / 1_000
        if bucket.wait(0, now) == 0:
            bucket.take()
            given.append(now)
    most = max(sum(start <= at < start + 1 for at in given) for start in given)
    assert most <= limit
    assert len(given) >= 5 * limit * STEADY


@pytest.mark.parametrize("limit", [1, 2, 5, 9, 25])
def test_customers_come_before_webhooks_and_both_before_sweeps_at_any_limit(limit: int) -> None:
    bucket = Bucket(limit, 0.0)
    while bucket.wait(0, 0.0) == 0:
        bucket.take()
    customer, webhook, sweep = (bucket.wait(one.value, 0.0) for one in Priority)
    assert customer < webhook < sweep
    assert bucket.wait(Priority.SWEEP.value, 2.0) == 0, "nobody is kept out"


def test_a_bucket_that_was_slowed_down_comes_back_to_its_full_pace() -> None:
    bucket = Bucket(100, 0.0)
    bucket.slow_down(0.0)
    assert bucket.wait(0, 0.0) == pytest.approx(1 / 40)
    bucket.take()
    assert bucket.wait(0, 30.0) == 0


def test_a_bucket_is_never_slowed_down_to_nothing() -> None:
    bucket = Bucket(100, 0.0)
    for second in range(60):
        bucket.slow_down(second * 1.0)
    assert bucket.wait(0, 59.0) <= 1 / (80 * LEAST_PACE)
