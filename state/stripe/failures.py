"""What an error of the SDK means: the answer for whoever asked, and what the guards should learn from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import stripe

from state.stripe.answers import Limited, Refused, Unknown
from state.stripe.declines import declined
from state.stripe.transport import wire_failure

LIMIT_PAUSE: Final = 1.0
"""Seconds to wait after a 429 without Retry-After; Stripe usually sends none."""
LONGEST_REASON: Final = 450
LONGEST_CODE: Final = 3
"""Of a country, a state or a language."""


@dataclass(frozen=True, slots=True)
class Failure:
    """`out_of_order`: Stripe does not work, as opposed to saying no. `limit`: which request limit was met."""

    answer: Refused | Limited | Unknown
    status: str
    out_of_order: bool = False
    limit: Literal["endpoint", "account"] | None = None


TIMED_OUT: Final = Failure(Unknown("timeout"), "timeout", out_of_order=True)


def understood(error: stripe.StripeError, sent: Mapping[str, Any], at: datetime | None = None) -> Failure:
    """The failure behind an error to a request with the parameters `sent`, made at `at` by Stripe's clock."""
    if isinstance(error, stripe.APIConnectionError):
        cause = wire_failure(error)
        return Failure(Unknown(cause), cause, out_of_order=True)
    status = error.http_status or 0
    if isinstance(error, stripe.RateLimitError):
        return _limited(error)
    if status in (401, 403):
        return Failure(Unknown(f"Stripe answers {status}: the API key is not accepted"), str(status), True)
    if status == 409 or status >= 500 or status < 400:
        stored = _header(error, "stripe-should-retry") == "false"
        return Failure(Unknown(f"Stripe answers {status}", stored), str(status), status >= 500 and not stored)
    return Failure(_refused(error, sent, status, at), str(status))


def _refused(error: stripe.StripeError, sent: Mapping[str, Any], status: int, at: datetime | None) -> Refused:
    reason = _reason(error, sent)
    if _field(error, "type") == "card_error":
        return declined(_details(error), status=status, reason=reason)
    return Refused(reason, status, _field(error, "code", "type"), _field(error, "param"), at)


def _limited(error: stripe.StripeError) -> Failure:
    """A limiter names itself in a header; a 429 without is about one object that is busy."""
    limiter = _header(error, "stripe-rate-limited-reason") or ""
    pause = _header(error, "retry-after") or ""
    wait = float(pause) if pause.isdigit() else LIMIT_PAUSE
    limit: Literal["endpoint", "account"] = "endpoint" if limiter.startswith("endpoint") else "account"
    return Failure(
        Limited(wait, f"Stripe answers 429 {limiter}".strip()), "429", limit=limit if limiter else None
    )


def _reason(error: stripe.StripeError, sent: Mapping[str, Any]) -> str:
    """Stripe's sentence without the values that were sent, and what to look it up by."""
    message = (error.user_message or "no reason given").strip()
    for value in sorted(set(_values(sent)), key=len, reverse=True):
        message = message.replace(value, "(the value)")
    named = " of ".join(filter(None, (_field(error, "code"), _field(error, "param"))))
    about = ", ".join(filter(None, (named, error.request_id)))
    return f"Stripe: {message[: LONGEST_REASON - len(about)]}" + (f" ({about})" if about else "")


def _values(sent: object) -> Iterator[str]:
    """The texts in a table of parameters that could be somebody's data; metadata and codes are not."""
    if isinstance(sent, str) and len(sent) > LONGEST_CODE:
        yield sent
    elif isinstance(sent, Mapping):
        for name, value in sent.items():
            if name != "metadata":
                yield from _values(value)
    elif isinstance(sent, (list, tuple)):
        for value in sent:
            yield from _values(value)


def _field(error: stripe.StripeError, *names: str) -> str | None:
    """The first of these fields that the error's body has."""
    details = _details(error)
    return next((str(details[name]) for name in names if details.get(name)), None)


def _details(error: stripe.StripeError) -> Mapping[str, Any]:
    body = error.json_body
    details = body.get("error") if isinstance(body, dict) else None
    return details if isinstance(details, dict) else {}


def _header(error: stripe.StripeError, name: str) -> str | None:
    return (error.headers or {}).get(name)
