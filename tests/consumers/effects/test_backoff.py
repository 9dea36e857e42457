"""How long a retry waits."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from consumers.effect_run import LONGEST_BACKOFF, backoff


@given(st.integers(0, 10_000))
def test_a_backoff_lies_below_a_ceiling_that_doubles(attempts: int) -> None:
    assert timedelta(0) <= backoff(attempts) <= timedelta(seconds=LONGEST_BACKOFF)
    assert backoff(1) <= timedelta(seconds=0.5)
    assert backoff(4) <= timedelta(seconds=4)
