"""Cards that end: warned of ahead, once for each month of expiry, and no longer charged when it is past."""

from datetime import UTC, datetime, timedelta
from typing import Final

from handlers.account import Account
from handlers.decision import Applied, Context, Decision
from handlers.payment_changes import applied
from handlers.payment_method import PaymentMethod, changed, methods_of
from topics.payment_methods import MethodDetails, MethodState, PaymentMethodExpiring, ReviewCardExpiry

WARNED_AHEAD: Final = timedelta(days=30)


def valid_until(details: MethodDetails) -> datetime | None:
    """The moment from which the card is past: the end of its month. None for what does not expire."""
    if details.exp_month is None or details.exp_year is None:
        return None
    months = details.exp_year * 12 + details.exp_month
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def past(details: MethodDetails, now: datetime) -> bool:
    """Whether the card's month is over."""
    until = valid_until(details)
    return until is not None and now >= until


def review(account: Account, command: ReviewCardExpiry, context: Context) -> Decision:
    """Look at every active card: end what is past, warn of what ends soon."""
    methods, warnings = methods_of(account), []
    for method in methods.methods.values():
        if method.state is not MethodState.ACTIVE:
            continue
        if past(method.details, context.now):
            reason = "The card has expired."
            methods = methods.put(
                changed(method, context.now, state=MethodState.EXPIRED, reason=reason, default=False)
            )
        elif (month := _to_warn_of(method, context.now)) is not None:
            methods = methods.put(changed(method, context.now, warned=month))
            warnings.append(_warning(method))
    decision = applied(account, methods, context, events=tuple(warnings))
    return Applied(decision.changes, decision.events, decision.effects, result={"warned": len(warnings)})


def _to_warn_of(method: PaymentMethod, now: datetime) -> str | None:
    until = valid_until(method.details)
    if until is None or now < until - WARNED_AHEAD:
        return None
    month = f"{method.details.exp_year}-{method.details.exp_month:02}"
    return None if method.warned == month else month


def _warning(method: PaymentMethod) -> PaymentMethodExpiring:
    details = method.details
    assert details.exp_month is not None
    assert details.exp_year is not None
    return PaymentMethodExpiring(
        method_id=method.id, exp_month=details.exp_month, exp_year=details.exp_year, default=method.default
    )
