"""One limit in this process, on a clock of the test's own."""

import pytest

from state.redis.buckets import LEAST_PACE, Bucket


def test_a_bucket_never_gives_more_than_its_limit_in_any_second() -> None:
    bucket, given = Bucket(25, 0.0), []
    for step in range(50_000):
        now = step / 10_000
        if bucket.wait(0, now) == 0:
            bucket.take()
            given.append(now)
    most = max(sum(start <= at < start + 1 for at in given) for start in given)
    assert most <= 25
    assert len(given) >= 5 * 20


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
