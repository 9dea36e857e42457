"""What a change of payment methods brings with it: one default, events, and work owed to the processors.

Every path that changes a method ends here, so that what follows from a change is written once.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from handlers.account import Account
from handlers.collection_method import derived
from handlers.decision import Applied, Context, EffectRequest
from handlers.payment_effects import align_braintree, align_stripe
from handlers.payment_method import (
    PAYMENT_METHODS,
    PaymentMethod,
    PaymentMethods,
    changed,
    default_of,
    first_at,
    ladder,
    methods_of,
    payer_email,
    view,
)
from topics.message import Event
from topics.payment_methods import CollectionMethodChanged, PaymentMethodChanged, Processor


def applied(
    account: Account,
    after: PaymentMethods,
    context: Context,
    *,
    shown: str | None = None,
    result: Mapping[str, Any] | None = None,
    events: tuple[Event, ...] = (),
    effects: tuple[EffectRequest, ...] = (),
    concludes: bool = True,
) -> Applied:
    """The decision to have the account's methods like this, with one default and all that follows from it.

    `shown` names the method that the result shows as it is in the end, with what `result` adds to it.
    """
    before = methods_of(account)
    altered = _altered(before, _with_one_default(after, context))
    after = before.put(*altered)
    if shown is not None:
        result = {**view(after.methods[shown]), **(result or {})}
    if not altered:
        return Applied(result=result, events=events, effects=effects, concludes=concludes)
    return Applied(
        {PAYMENT_METHODS: after},
        events=(*(told(one) for one in altered), *_collection(before, after), *events),
        effects=(*effects, *_owed(before, after, altered)),
        result=result,
        concludes=concludes,
    )


def _altered(before: PaymentMethods, after: PaymentMethods) -> list[PaymentMethod]:
    """What differs by more than its version, which rises by one however many steps the change took."""
    found = []
    for method in after.methods.values():
        known = before.methods.get(method.id)
        if known is None:
            found.append(replace(method, version=1))
        elif replace(method, version=known.version, edited_on=known.edited_on) != known:
            found.append(replace(method, version=known.version + 1))
    return found


def told(method: PaymentMethod) -> PaymentMethodChanged:
    """The event of a method as it is from now on."""
    details = method.details
    return PaymentMethodChanged(
        method_id=method.id,
        method_kind=details.kind,
        processor=details.processor,
        state=method.state,
        default=method.default,
        last_four=details.last_four,
        exp_month=details.exp_month,
        exp_year=details.exp_year,
        reason=method.reason,
        version=method.version,
    )


def with_default(methods: PaymentMethods, chosen: PaymentMethod, context: Context) -> PaymentMethods:
    """The methods with `chosen` as the last choice of a default. Whatever was chosen before is settled by it.

    Not so what was left with a former customer, which is as it was when that is linked again.
    """
    others = [
        changed(one, context.now, chosen_on=None)
        for one in methods.methods.values()
        if one.chosen_on is not None and one.id != chosen.id and not one.gone
    ]
    choice = [] if chosen.chosen_on is not None else [changed(chosen, context.now, chosen_on=context.now)]
    return methods.put(*others, *choice)


def _with_one_default(methods: PaymentMethods, context: Context) -> PaymentMethods:
    """The active method chosen last, else the oldest: the same whatever came first (DOMAIN.md 4)."""
    usable = ladder(methods)
    chosen = [(one.chosen_on, one.created_on, one.id) for one in usable if one.chosen_on is not None]
    oldest = min(((one.created_on, one.id) for one in usable), default=None)
    default = max(chosen)[-1] if chosen else oldest[-1] if oldest else None
    moved = [
        changed(one, context.now, default=one.id == default)
        for one in methods.methods.values()
        if one.default is not (one.id == default)
    ]
    return methods.put(*moved)


def _collection(before: PaymentMethods, after: PaymentMethods) -> tuple[Event, ...]:
    now = derived(after)
    if derived(before).value is now.value:
        return ()
    return (CollectionMethodChanged(collection_method=now.value, reason=now.reason),)


def _owed(
    before: PaymentMethods, after: PaymentMethods, altered: list[PaymentMethod]
) -> tuple[EffectRequest, ...]:
    """Both processors follow the default; each lets go what it keeps and we do not, and Stripe collects as derived.

    The default of each is the first of the ladder that it keeps, which may move while the account's own stays. What
    could not be flipped for want of an e-mail is tried again when the payer has another.
    """
    moved = _default_id(before) != _default_id(after)
    at_stripe, at_braintree = (
        _first_moved(before, after, one) for one in (Processor.STRIPE, Processor.BRAINTREE)
    )
    flipped = derived(before).value is not derived(after).value or payer_email(before) != payer_email(after)
    letting_go = {one.details.processor for one in altered if one.gone and not one.released}
    effects = []
    if moved or at_stripe or flipped or Processor.STRIPE in letting_go:
        effects.append(align_stripe())
    follows = (moved or at_braintree) and first_at(after, Processor.BRAINTREE) is not None
    if Processor.BRAINTREE in letting_go or follows:
        effects.append(align_braintree())
    return tuple(effects)


def _default_id(methods: PaymentMethods) -> str | None:
    found = default_of(methods)
    return found.id if found else None


def _first_moved(before: PaymentMethods, after: PaymentMethods, processor: Processor) -> bool:
    first, then = first_at(before, processor), first_at(after, processor)
    return (first.id if first else None) != (then.id if then else None)
