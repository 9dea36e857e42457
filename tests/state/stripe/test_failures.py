"""What an error of the SDK is taken for."""

import httpx
import pytest
import stripe

from state.stripe.answers import Limited, Refused, Unknown
from state.stripe.failures import LONGEST_REASON, understood

SENT = {"email": "ada@example", "address": {"city": "Ada's town"}, "metadata": {"bad_debt": "false"}}


def error(
    status: int, kind: type[stripe.StripeError] = stripe.APIError, **headers: str
) -> stripe.StripeError:
    return kind("a message", http_status=status, headers={n.replace("_", "-"): v for n, v in headers.items()})


def cut_off() -> stripe.StripeError:
    return stripe.APIConnectionError("cut off")  # type: ignore[no-untyped-call]


def refused(message: str) -> str:
    body = {"error": {"code": "email_invalid", "param": "email", "message": message}}
    found = stripe.StripeError(message, http_status=400, json_body=body, headers={"request-id": "req_1"})
    answer = understood(found, SENT).answer
    assert isinstance(answer, Refused)
    return answer.reason


def test_a_reason_has_what_support_needs_and_nothing_that_was_sent() -> None:
    reason = refused("Invalid email address: ada@example (in Ada's town)")
    assert (
        reason
        == "Stripe: Invalid email address: (the value) (in (the value)) (email_invalid of email, req_1)"
    )


def test_a_reason_fits_where_it_is_kept() -> None:
    assert len(refused("x" * 5000)) <= LONGEST_REASON + 50


@pytest.mark.parametrize(
    ("limiter", "limit"),
    [("endpoint-rate", "endpoint"), ("global-concurrency", "account"), (None, None)],
)
def test_a_429_names_the_limit_that_was_met(limiter: str | None, limit: str | None) -> None:
    headers = {"stripe_rate_limited_reason": limiter} if limiter else {}
    found = understood(error(429, stripe.RateLimitError, retry_after="7", **headers), {})
    assert isinstance(found.answer, Limited)
    assert (found.answer.retry_after, found.limit, found.out_of_order) == (7, limit, False)


@pytest.mark.parametrize(
    ("found", "stored", "out_of_order"),
    [
        (error(500), False, True),
        (error(502), False, True),
        (error(500, stripe_should_retry="false"), True, False),
        (error(409), False, False),
        (error(401, stripe.AuthenticationError), False, True),
        (error(403, stripe.PermissionError), False, True),
        (cut_off(), False, True),
    ],
)
def test_what_nobody_knows(found: stripe.StripeError, stored: bool, out_of_order: bool) -> None:
    failure = understood(found, {})
    assert isinstance(failure.answer, Unknown)
    assert (failure.answer.stored, failure.out_of_order) == (stored, out_of_order)


def test_a_timeout_is_told_from_a_broken_connection() -> None:
    silence = cut_off()
    silence.__cause__ = httpx.ReadTimeout("silence")
    assert understood(silence, {}).status == "timeout"
    assert understood(cut_off(), {}).status == "connection"
