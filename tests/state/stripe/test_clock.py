"""When Stripe looked at what it answers."""

from datetime import UTC, datetime, timedelta

from state.stripe.clock import seen_at

DATE = {"date": "Tue, 24 Nov 2026 09:30:15 GMT"}
THEN = datetime(2026, 11, 24, 9, 30, 15, tzinfo=UTC)


def test_the_time_is_that_of_the_answer_by_stripes_clock() -> None:
    assert seen_at(DATE, 0.4) == THEN


def test_an_answer_that_took_long_claims_no_more_than_was_seen_when_it_was_asked() -> None:
    assert seen_at(DATE, 3.7) == THEN - timedelta(seconds=3)


def test_without_a_date_it_is_ours_in_whole_seconds() -> None:
    for headers in ({}, {"date": "yesterday"}, None):
        found = seen_at(headers, 0.0)
        assert found.microsecond == 0
        assert abs(found - datetime.now(UTC)) < timedelta(minutes=1)
