"""Who may keep what, and what stands in the way of removing it (DOMAIN.md 4)."""

from datetime import datetime, timedelta
from typing import Final

from handlers.account import Account
from handlers.accounts import has_debt, known
from handlers.card_expiry import past
from handlers.decision import Context, Problem, Refused
from handlers.payment_method import PaymentMethod, PaymentMethods, ladder, living, methods_of
from handlers.stripe_customers import customer_of
from handlers.subscription import Subscription, subscriptions_of
from topics.accounts import AccountType
from topics.codes import Code
from topics.payment_methods import AddPaymentMethod, MethodKind, MethodState
from topics.subscriptions import SubscriptionStatus

USAGE_PENDING: Final = timedelta(days=30)
"""So long after a metered product ends its last usage may still be charged."""
RENEWAL_NEAR: Final = timedelta(hours=24)
"""A registrar renews a domain within this time of its end: the method must stay."""
_UNPAID: Final = frozenset({SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID})


def may_add(
    account: Account, command: AddPaymentMethod, context: Context, *, has_place: bool = False
) -> Refused | None:
    """1400 for a method that is not named as its kind is, 1303, 1305 or 1308.

    What a setup of the account's brings `has_place`: it was counted when the setup began.
    """
    full = None if has_place else over_limit(account, context)
    return _misnamed(command) or _unavailable(account, command) or merged(account) or full


def merged(account: Account) -> Refused | None:
    """1308: automation keeps off a Stripe customer that several accounts share."""
    if not customer_of(account).merged:
        return None
    return Refused(
        Code.MERGED_ACCOUNT,
        "Several accounts share this account's Stripe customer, so its payment methods can't be changed here. "
        "Please contact support.",
    )


def limit_of(account: Account, context: Context) -> int:
    """How many methods the account may keep (DOMAIN.md 4)."""
    return context.policy.methods_of.get(known(account).type, context.policy.methods)


def placed(methods: PaymentMethods, now: datetime) -> list[PaymentMethod]:
    """Those that count for the limit, those being set up among them.

    An expired card has no place: a subscription may need it until there is another one, so that it could neither be
    removed nor replaced. Nor has one whose month is over, though nobody has reviewed it yet.
    """
    return [
        one for one in living(methods) if one.state is not MethodState.EXPIRED and not past(one.details, now)
    ]


def over_limit(account: Account, context: Context) -> Refused | None:
    """1305 when the account keeps as many methods as it may."""
    limit, methods = limit_of(account, context), methods_of(account)
    counted = placed(methods, context.now)
    if len(counted) < limit:
        return None
    expired = (
        " Expired cards do not count, so remove another one." if len(living(methods)) > len(counted) else ""
    )
    return Refused(
        Code.PAYMENT_METHOD_LIMIT,
        f"The account keeps {limit} payment method{'' if limit == 1 else 's'}, which is the most it may. "
        f"Remove one first.{expired}",
    )


def removal(account: Account, method: PaymentMethod, now: datetime) -> Refused | None:
    """1306 or 1307 with what stands in the way and what would free it. One that is being set up may always go.

    An expired card is not: its number may be charged again with the date that its bank sends.
    """
    if method.state is MethodState.PENDING_SETUP:
        return None
    subscriptions = tuple(subscriptions_of(account).subscriptions.values())
    return (
        _in_use(account, method, subscriptions, now)
        or _owing(account, subscriptions)
        or _starting(subscriptions)
        or _usage_pending(subscriptions, now)
        or _renewing(subscriptions, now)
    )


def _misnamed(command: AddPaymentMethod) -> Refused | None:
    named = [name for name in ("payment_method", "setup_intent") if getattr(command, name)]
    if command.method_kind is MethodKind.PAYPAL:
        wrong = named
        message = "PayPal is added by a nonce of Braintree, not by an object of Stripe."
    else:
        wrong = [] if len(named) == 1 else ["payment_method"]
        message = (
            "Name the Stripe payment method (pm_...) or a confirmed setup intent (seti_...), one of the two."
        )
    if not wrong:
        return None
    problems = tuple(Problem(f"/{name}", message) for name in wrong)
    return Refused(Code.INVALID, "The payment method is not valid.", problems)


def _unavailable(account: Account, command: AddPaymentMethod) -> Refused | None:
    if command.method_kind is not MethodKind.PAYPAL or known(account).type is not AccountType.CHINA:
        return None
    return Refused(
        Code.ACCOUNT_TYPE_EXCLUDED, "PayPal is not available for this account. Add another payment method."
    )


def _in_use(
    account: Account, method: PaymentMethod, subscriptions: tuple[Subscription, ...], now: datetime
) -> Refused | None:
    """Any other usable method will do: a subscription that Stripe charges to this one is made to follow the default."""
    others = [one for one in ladder(methods_of(account)) if one.id != method.id]
    needing = [one for one in subscriptions if one.paid]
    if not needing or not all(past(one.details, now) for one in others):
        return None
    expired = "add this card again with its new date, or another payment method"
    add = expired if method.state is MethodState.EXPIRED else "add another payment method"
    return Refused(
        Code.PAYMENT_METHOD_IN_USE,
        f"{len(needing)} active subscription(s) are paid with this method ({_names(needing)}). "
        f"First {add}, or cancel them.",
    )


def _owing(account: Account, subscriptions: tuple[Subscription, ...]) -> Refused | None:
    unpaid = [one for one in subscriptions if one.status in _UNPAID]
    if not unpaid and not has_debt(account):
        return None
    what = f"a payment failed ({_names(unpaid)})" if unpaid else "a balance is outstanding"
    return _pending(f"{what}. Pay it first; until then methods can be edited, and added within the limit.")


def _starting(subscriptions: tuple[Subscription, ...]) -> Refused | None:
    """The first payment may be waiting for the bank of this very method."""
    starting = [one for one in subscriptions if one.starting]
    if not starting:
        return None
    return _pending(
        f"the first payment of a subscription is under way ({_names(starting)}). "
        "Complete that payment or cancel the subscription first; left alone it ends by itself within a day."
    )


def _usage_pending(subscriptions: tuple[Subscription, ...], now: datetime) -> Refused | None:
    """A metered product that goes on, or that ended within 30 days: by itself or with its subscription."""
    ends = [(one, _usage_ends(one)) for one in subscriptions]
    going_on = [one for one in subscriptions if one.live and one.metered]
    ended = [(one, end) for one, end in ends if one not in going_on and end is not None and now < end]
    if not going_on and not ended:
        return None
    names = _names([*going_on, *(one for one, _ in ended)])
    return _pending(f"usage is still to be charged ({names}). {_usage_freed(going_on, ended)}")


def _usage_freed(going_on: list[Subscription], ended: list[tuple[Subscription, datetime]]) -> str:
    if not going_on:
        return f"The method is free after {max(end for _, end in ended):%Y-%m-%d}."
    return (
        f"Cancel what is charged by usage first ({_names(going_on)}): "
        f"the method is free {USAGE_PENDING.days} days after it has ended."
    )


def _usage_ends(one: Subscription) -> datetime | None:
    """Until when the last usage may be charged; None when nothing was metered."""
    last = one.ended_at if one.metered else one.metered_until
    return last + USAGE_PENDING if last is not None else None


def _renewing(subscriptions: tuple[Subscription, ...], now: datetime) -> Refused | None:
    ends = [
        item.period_end
        for one in subscriptions
        if one.live
        for item in one.items
        if item.registrar and item.period_end is not None
    ]
    near = [end for end in ends if timedelta(0) <= end - now <= RENEWAL_NEAR]
    if not near:
        return None
    return _pending(f"a domain renews at {min(near):%Y-%m-%d %H:%M} UTC. Remove the method after that.")


def _pending(what: str) -> Refused:
    return Refused(
        Code.TRANSACTIONS_IN_PROGRESS,
        f"The payment method can't be removed while transactions are in progress: {what}",
    )


def _names(subscriptions: list[Subscription]) -> str:
    shown = ", ".join(one.id for one in subscriptions[:3])
    return f"{shown} and {len(subscriptions) - 3} more" if len(subscriptions) > 3 else shown
