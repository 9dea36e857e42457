"""What was observed of payment methods at their processors, in the order of the objects (DESIGN.md 4, law 7).

Stripe is canonical for its methods and Braintree for its agreements; which of them is the default, and in which
order they are charged, is ours.
"""

from dataclasses import replace
from typing import Final

from handlers.account import Account
from handlers.accounts import known
from handlers.card_expiry import past
from handlers.decision import Applied, Context, Decision, EffectRequest
from handlers.dispatch import Handler
from handlers.open_setups import of_intent
from handlers.ordering import Judged, Newer, Seen, judge, seen
from handlers.payment_changes import applied, with_default
from handlers.payment_effects import (
    align_stripe,
    end_setup,
    read_braintree,
    read_method,
    read_setup,
    read_subscription,
)
from handlers.payment_method import (
    ERASED,
    PAYMENT_METHODS,
    PaymentMethod,
    PaymentMethods,
    at,
    bare,
    changed,
    ended,
    first_at,
    ladder,
    left_behind,
    method_id_of,
    methods_of,
    unwanted,
)
from handlers.payment_results import activated, verify_by
from handlers.payment_setups import brought, make_room, not_kept, prolonged
from handlers.stripe_customers import STRIPE_CUSTOMER, StripeCustomer, customer_of, of_another
from handlers.subscription import SUBSCRIPTIONS, subscriptions_of
from topics.payment_methods import (
    MethodDetails,
    MethodState,
    PaymentMethodsReleased,
    Processor,
    SetupDeadlinePassed,
    SetupIntentObserved,
    StripeCustomerObserved,
    StripeMethodObserved,
)

DETACHED: Final = "It was detached at Stripe."
CUSTOMER_DELETED: Final = "The Stripe customer was deleted."
NOT_COMPLETED: Final = "Its setup was not completed."


def stripe_observed(account: Account, fact: StripeMethodObserved, context: Context) -> Decision:
    """A method as Stripe shows it: mirrored if newer; one that belongs to nobody any more is over."""
    method = methods_of(account).referred(fact.details.reference)
    if fact.customer_id not in (None, customer_of(account).customer_id):
        return _of_another(account, method, fact, context)
    found = seen(fact.seen, rank=int(fact.customer_id is None), final=fact.customer_id is None)
    if method is None:
        fresh = _found_at_stripe(account, fact.details, found, context)
        return applied(account, _joined(account, fresh, context, default=fact.default), context)
    if method.elsewhere and not found.final:
        return _back_again(account, method, fact, context)
    if method.gone:
        return _after_the_end(account, method, fact.details, found, context)
    if method.state is MethodState.PENDING_SETUP and not found.final:
        after = activated(methods_of(account), method, fact.details, fact.seen, context)
        return applied(account, after, context)
    return mirrored(account, method, fact.details, found, context)


def _joined(account: Account, fresh: PaymentMethod, context: Context, *, default: bool) -> PaymentMethods:
    """With one that came to be without us. A customer that is linked goes on being charged as it was.

    That holds while the account has no order of its own, and whatever was told of the customer before.
    """
    before = methods_of(account)
    after = before.put(fresh)
    chosen = default and fresh.state is MethodState.ACTIVE and not any(map(_own, ladder(before)))
    return with_default(after, fresh, context) if chosen else after


def _own(method: PaymentMethod) -> bool:
    """Whether the account chose it, or added it otherwise than at Stripe."""
    return method.chosen_on is not None or method.id != method_id_of(method.details.reference)


def _of_another(
    account: Account, method: PaymentMethod | None, fact: StripeMethodObserved, context: Context
) -> Decision:
    """Another customer has it: then it is not the account's, which ends it here and not for good.

    One that is being set up is told by whoever sets it up. An event may be of a time with another link, so it is
    a reason to look.
    """
    if method is None or method.gone or method.state is MethodState.PENDING_SETUP:
        return Applied()
    if fact.seen.event_id is not None:
        return Applied(effects=(read_method(fact.details.reference),))
    return applied(account, methods_of(account).put(left_behind(method, context.now)), context)


def setup_observed(account: Account, fact: SetupIntentObserved, context: Context) -> Decision:
    """A setup that succeeded brings its method, one that came to an end without takes the pending row along.

    What it brought has a place of its own from then on, so that setups without one are cancelled.
    """
    methods = methods_of(account)
    pending = next(
        (
            one
            for one in methods.methods.values()
            if one.setup_intent == fact.setup_intent and one.state is MethodState.PENDING_SETUP
        ),
        None,
    )
    if fact.details is None:
        return _without_method(account, pending, fact, context)
    if of_another(account, fact.customer_id):
        after = methods.put(*_left_with(pending, fact, fact.details, context))
    elif pending is not None:
        after = activated(methods, pending, fact.details, fact.seen, context)
    else:
        after = methods.put(*_from_setup(account, fact, fact.details, context))
    decision = applied(account, after, context)
    decision = brought(account, decision, context, fact.setup_intent, fact.details.reference)
    return make_room(account, decision, context)


def _left_with(
    pending: PaymentMethod | None, fact: SetupIntentObserved, details: MethodDetails, context: Context
) -> tuple[PaymentMethod, ...]:
    """What a setup brought the customer that the account had when it was read: it may come back with that one."""
    if pending is None:
        return ()
    return (left_behind(changed(pending, context.now, details=details, seen=seen(fact.seen)), context.now),)


def _from_setup(
    account: Account, fact: SetupIntentObserved, details: MethodDetails, context: Context
) -> tuple[PaymentMethod, ...]:
    """What a page's setup brought, unless it was told of before; it is let go where it is not to be kept.

    Word of the attachment may come first, and says nothing of the setup.
    """
    known_as = methods_of(account).referred(details.reference)
    reason = not_kept(account, fact.setup_intent, details.reference, context)
    if known_as is None:
        fresh = _found_at_stripe(account, details, seen(fact.seen), context)
        return (unwanted(fresh, reason) if reason else fresh,)
    if reason is None or known_as.gone:
        return ()
    over = ended(known_as, MethodState.DETACHED, reason, context.now, details=bare(details), billing={})
    return (over,)


def _without_method(
    account: Account, pending: PaymentMethod | None, fact: SetupIntentObserved, context: Context
) -> Decision:
    """Only what is cancelled is over: after an attempt that failed the next one may succeed, until the deadline.

    An event does not show the method that a setup brought; reading it does. A reading is not read again.
    """
    if fact.closed:
        after = methods_of(account)
        if pending is not None:
            after = after.put(ended(pending, MethodState.DETACHED, NOT_COMPLETED, context.now, released=True))
        return brought(account, applied(account, after, context), context, fact.setup_intent, None)
    if fact.seen.event_id is not None:
        concerns_us = pending or of_intent(customer_of(account).setups, fact.setup_intent)
        return Applied(effects=(read_setup(fact.setup_intent, release=False),) if concerns_us else ())
    decision, found = Applied(), seen(fact.seen)
    if pending is not None and judge(pending.seen, found).newer is Newer.NEW:
        waiting = changed(
            pending,
            context.now,
            seen=found,
            reason=verify_by(fact.deadline) if fact.deadline else _advice(pending, fact.failure),
            deadline=fact.deadline or pending.deadline,
        )
        decision = applied(account, methods_of(account).put(waiting), context)
    return decision if fact.deadline is None else prolonged(account, decision, context, fact)


def _advice(pending: PaymentMethod, failure: str | None) -> str | None:
    if failure is None:
        return None
    until = f" until {pending.deadline:%Y-%m-%d %H:%M} UTC" if pending.deadline else ""
    return f"{failure} Try again{until}, or use another payment method."


def setup_deadline_passed(account: Account, fact: SetupDeadlinePassed, context: Context) -> Decision:
    """Look before releasing: word of a success may have been lost."""
    return Applied(effects=(end_setup(fact.setup_intent),))


def customer_observed(account: Account, fact: StripeCustomerObserved, context: Context) -> Decision:
    """The default at Stripe follows ours; with the customer all that hung on it is gone."""
    if customer_of(account).customer_id != fact.customer_id:
        return Applied()
    if fact.deleted:
        return _customer_deleted(account, fact, context)
    wanted = first_at(methods_of(account), Processor.STRIPE)
    if customer_of(account).merged or fact.default_payment_method == (
        wanted.details.reference if wanted else None
    ):
        return Applied()
    return Applied(effects=(align_stripe(),))


def _customer_deleted(account: Account, fact: StripeCustomerObserved, context: Context) -> Decision:
    """Its methods end. Stripe cancels its subscriptions with it, and how each of them ended a reading shows."""
    methods = methods_of(account)
    found = seen(fact.seen, rank=1, final=True)
    gone = [
        ended(one, MethodState.DETACHED, CUSTOMER_DELETED, context.now, released=True, seen=found)
        for one in at(methods, Processor.STRIPE)
        if not one.gone
    ]
    customer = customer_of(account)
    noted = {} if customer.gone else {STRIPE_CUSTOMER: _deleted(customer)}
    live = (one.id for one in subscriptions_of(account).subscriptions.values() if one.live)
    looks = tuple(map(read_subscription, live))
    decision = applied(account, methods.put(*gone), context, effects=looks)
    return replace(decision, changes={**noted, **decision.changes})


def _deleted(customer: StripeCustomer) -> StripeCustomer:
    return replace(customer, gone=True, setups=(), version=customer.version + 1)


def released(account: Account, fact: PaymentMethodsReleased, context: Context) -> Decision:
    """Their processors let them go."""
    found = [methods_of(account).methods.get(method_id) for method_id in fact.method_ids]
    gone = [
        changed(one, context.now, released=True) for one in found if one and one.gone and not one.released
    ]
    return applied(account, methods_of(account).put(*gone), context)


def _found_at_stripe(
    account: Account, details: MethodDetails, found: Seen, context: Context
) -> PaymentMethod:
    """One whose customer was deleted went with it, whatever is still told of it."""
    fresh = found_there(account, method_id_of(details.reference), details, found, context)
    if fresh.gone or not customer_of(account).gone:
        return fresh
    return replace(fresh, state=MethodState.DETACHED, reason=CUSTOMER_DELETED, released=True)


def found_there(
    account: Account, method_id: str, details: MethodDetails, found: Seen, context: Context
) -> PaymentMethod:
    """A method that came to be without us; a tombstone when it is over, so that nothing late revives it.

    What was there before the account was erased, and comes to light late, is let go.
    """
    erased_on = known(account).erased_on
    fresh = _found(method_id, details, found, context)
    if erased_on is not None and (details.created_at or found.at) <= erased_on:
        return unwanted(fresh, ERASED)
    return fresh


def _found(method_id: str, details: MethodDetails, found: Seen, context: Context) -> PaymentMethod:
    state = MethodState.ACTIVE
    if found.final:
        state = MethodState.DETACHED
    elif past(details, context.now):
        state = MethodState.EXPIRED
    return PaymentMethod(
        id=method_id,
        details=details,
        state=state,
        version=1,
        created_on=details.created_at or context.now,
        edited_on=context.now,
        reason=DETACHED if found.final else None,
        released=found.final,
        seen=found,
    )


def _back_again(
    account: Account, method: PaymentMethod, fact: StripeMethodObserved, context: Context
) -> Decision:
    """The customer that has it is the account's again. An event may be older than that: it is a reason to look."""
    if fact.seen.event_id is not None:
        return Applied(effects=(read_method(fact.details.reference),))
    back = replace(_with_details(method, fact.details, seen(fact.seen), context), released=False)
    return applied(account, _joined(account, back, context, default=fact.default), context)


def _after_the_end(
    account: Account, method: PaymentMethod, details: MethodDetails, found: Seen, context: Context
) -> Decision:
    """Our tombstone stands. That Stripe let go is noted; that it holds on is looked at, then let go once more.

    What it was like in the end is only learned of a method that ended there: of others we may not know more.
    """
    if found.final:
        if judge(method.seen, found).newer is not Newer.NEW:
            return Applied()
        last = details if method.reason == DETACHED else method.details
        reason = DETACHED if method.elsewhere else method.reason
        noted = changed(method, context.now, released=True, seen=found, details=last, reason=reason)
        return applied(account, methods_of(account).put(noted), context)
    if method.seen is not None and method.seen.final:
        return Applied()
    if found.event_id is not None:
        return Applied(effects=(read_method(method.details.reference),))
    held = changed(method, context.now, released=False, seen=found)
    return applied(account, methods_of(account).put(held), context, effects=(align_stripe(),))


def mirrored(
    account: Account, method: PaymentMethod, details: MethodDetails, found: Seen, context: Context
) -> Decision:
    judged = judge(method.seen, found)
    doubt = _doubt(judged, method, details) if not found.final else ()
    if judged.newer is not Newer.NEW:
        return Applied(effects=doubt)
    if found.final:
        after = ended(
            method, MethodState.DETACHED, DETACHED, context.now, released=True, seen=found, details=details
        )
    else:
        after = _with_details(method, details, found, context)
    return applied(account, methods_of(account).put(after), context, effects=doubt)


def _with_details(
    method: PaymentMethod, details: MethodDetails, found: Seen, context: Context
) -> PaymentMethod:
    """A new date of expiry brings an expired card back; a past one ends it."""
    if past(details, context.now):
        reason = "The card has expired."
        return changed(
            method,
            context.now,
            details=details,
            seen=found,
            state=MethodState.EXPIRED,
            reason=reason,
            default=False,
        )
    return changed(method, context.now, details=details, seen=found, state=MethodState.ACTIVE, reason=None)


def _doubt(judged: Judged, method: PaymentMethod, details: MethodDetails) -> tuple[EffectRequest, ...]:
    if not judged.doubt or method.details == details:
        return ()
    reference = details.reference
    return (
        read_braintree(reference) if details.processor is Processor.BRAINTREE else read_method(reference),
    )


HANDLERS: Final = (
    Handler(StripeMethodObserved, stripe_observed, needs=(PAYMENT_METHODS, STRIPE_CUSTOMER)),
    Handler(SetupIntentObserved, setup_observed, needs=(PAYMENT_METHODS, STRIPE_CUSTOMER)),
    Handler(SetupDeadlinePassed, setup_deadline_passed),
    Handler(
        StripeCustomerObserved,
        customer_observed,
        needs=(PAYMENT_METHODS, STRIPE_CUSTOMER, SUBSCRIPTIONS),
    ),
    Handler(PaymentMethodsReleased, released, needs=(PAYMENT_METHODS,)),
)
