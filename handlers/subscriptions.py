"""The mirror of Stripe's subscriptions: fed by what was observed, in the order of the objects (DESIGN.md 4, law 7)."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from handlers.account import Account, Part
from handlers.collection_method import derived, described
from handlers.decision import Applied, Context, Decision, EffectRequest
from handlers.dispatch import Handler
from handlers.ordering import Judged, Newer, judge, seen
from handlers.payment_effects import align_stripe, read_subscription
from handlers.payment_method import PAYMENT_METHODS, methods_of
from handlers.stripe_customers import STRIPE_CUSTOMER, customer_of
from handlers.subscription import (
    FINAL,
    RANK,
    SUBSCRIPTIONS,
    Subscription,
    elsewhere,
    subscriptions_of,
)
from topics.message import Event
from topics.payment_methods import PaymentsDrifted
from topics.subscriptions import (
    SubscriptionChanged,
    SubscriptionGone,
    SubscriptionObserved,
    SubscriptionStatus,
)


def observed(account: Account, fact: SubscriptionObserved, context: Context) -> Decision:
    """Mirror it, if it is newer than what is known; what collects otherwise than it shall is brought in line."""
    known = subscriptions_of(account).subscriptions.get(fact.subscription)
    if customer_of(account).customer_id != fact.customer_id:
        return _of_another(account, known, context)
    found = _mirrored(fact, known, context)
    judged = judge(known.seen if known else None, found.seen) if found.seen else Judged(Newer.NEW)
    doubt = _doubt(account, judged, known, found)
    if known is not None and judged.newer is not Newer.NEW:
        return Applied(_learned_late(account, known, found, context), effects=doubt)
    found = replace(found, metered_until=_metered_until(known, found))
    events, effects = _drift(account, found)
    if known is not None and _content(known) == _content(found):
        same = replace(known, seen=found.seen, version=known.version + 1, metered_until=found.metered_until)
        return Applied({SUBSCRIPTIONS: subscriptions_of(account).put(same)}, effects=(*doubt, *effects))
    return Applied(
        {SUBSCRIPTIONS: subscriptions_of(account).put(found)},
        events=(told(found), *events),
        effects=(*doubt, *effects),
    )


def told(subscription: Subscription) -> SubscriptionChanged:
    """The event of a subscription as it is from now on."""
    return SubscriptionChanged(
        subscription=subscription.id,
        status=subscription.status,
        collection_method=subscription.collection_method,
        version=subscription.version,
    )


def _of_another(account: Account, known: Subscription | None, context: Context) -> Decision:
    """Not the account's. One that it had before its link was changed is over, though not for good."""
    if known is None or not known.live:
        return Applied()
    after = elsewhere(known, context.now)
    return Applied({SUBSCRIPTIONS: subscriptions_of(account).put(after)}, events=(told(after),))


def gone(account: Account, fact: SubscriptionGone, context: Context) -> Decision:
    """Stripe does not know it: for us it is over."""
    known = subscriptions_of(account).subscriptions.get(fact.subscription)
    if known is None or not known.live:
        return Applied()
    after = replace(
        known,
        status=SubscriptionStatus.CANCELED,
        ended_at=context.now,
        version=known.version + 1,
        edited_on=context.now,
        seen=seen(fact.seen, rank=RANK[SubscriptionStatus.CANCELED], final=True),
    )
    return Applied({SUBSCRIPTIONS: subscriptions_of(account).put(after)}, events=(told(after),))


def _mirrored(fact: SubscriptionObserved, known: Subscription | None, context: Context) -> Subscription:
    return Subscription(
        id=fact.subscription,
        customer_id=fact.customer_id,
        status=fact.status,
        collection_method=fact.collection_method,
        version=known.version + 1 if known else 1,
        edited_on=context.now,
        days_until_due=fact.days_until_due,
        default_payment_method=fact.default_payment_method,
        cancel_at_period_end=fact.cancel_at_period_end,
        items=fact.items,
        ended_at=fact.ended_at,
        seen=seen(fact.seen, rank=RANK[fact.status], final=fact.status in FINAL),
    )


def _metered_until(known: Subscription | None, found: Subscription) -> datetime | None:
    """When the last metered item went away; None while there is one, or never was."""
    if known is None or found.metered or found.seen is None:
        return None
    return found.seen.at if known.metered else known.metered_until


def _learned_late(
    account: Account, known: Subscription, old: Subscription, context: Context
) -> dict[Part[Any], Any]:
    """An older look may show that there was a metered item, which nobody knew: it went away since."""
    if not old.metered or known.metered or known.metered_until is not None or known.seen is None:
        return {}
    after = replace(known, metered_until=known.seen.at, version=known.version + 1, edited_on=context.now)
    return {SUBSCRIPTIONS: subscriptions_of(account).put(after)}


def _content(subscription: Subscription) -> Subscription:
    """What it says, whenever and by whatever it was learned."""
    nothing = subscription.edited_on.min
    return replace(subscription, version=0, edited_on=nothing, seen=None, metered_until=None)


def _doubt(
    account: Account, judged: Judged, known: Subscription | None, found: Subscription
) -> tuple[EffectRequest, ...]:
    """Late word of one that went with its customer is a doubt as well: word of its end may be lost."""
    told = found.seen is not None and found.seen.event_id is not None
    over = customer_of(account).gone and found.live and told and (known is None or known.live)
    unclear = judged.doubt and known is not None and _content(known) != _content(found)
    return (read_subscription(found.id),) if over or unclear else ()


def _drift(account: Account, found: Subscription) -> tuple[tuple[Event, ...], tuple[EffectRequest, ...]]:
    """Stripe changes nothing of a subscription whose first payment is still to come, or whose customer is gone."""
    wanted = derived(methods_of(account))
    settled = found.live and not found.starting
    met = wanted.met_by(found.collection_method, found.days_until_due, found.default_payment_method)
    if not settled or met or customer_of(account).merged or customer_of(account).gone:
        return (), ()
    ours = described(wanted.value, wanted.days_until_due)
    theirs = described(found.collection_method, found.days_until_due, found.default_payment_method)
    what = f"{found.id} collects by {theirs} instead of {ours}"
    return (PaymentsDrifted(what=what),), (align_stripe(),)


HANDLERS: Final = (
    Handler(SubscriptionObserved, observed, needs=(SUBSCRIPTIONS, PAYMENT_METHODS, STRIPE_CUSTOMER)),
    Handler(SubscriptionGone, gone, needs=(SUBSCRIPTIONS,)),
)
