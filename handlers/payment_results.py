"""What came of adding a method at its processor: kept, to be authenticated, or declined."""

from datetime import datetime
from typing import Any, Final

from handlers.account import Account
from handlers.decision import Applied, Context, Decision, EffectRequest, Failed, Refused
from handlers.dispatch import Handler
from handlers.ordering import seen
from handlers.payment_changes import applied
from handlers.payment_effects import align_braintree, align_stripe, read_method, read_setup, setup_deadline
from handlers.payment_method import (
    AT_ONCE,
    PAYMENT_METHODS,
    PaymentMethod,
    PaymentMethods,
    bare,
    changed,
    ended,
    left_behind,
    method_id_of,
    methods_of,
    utc,
    view,
)
from handlers.payment_setups import INTENT, brought
from handlers.stripe_customers import RELINKED, STRIPE_CUSTOMER, of_another
from topics.codes import Code
from topics.observation import Observation
from topics.payment_methods import (
    MethodDetails,
    MethodState,
    PaymentMethodActionRequired,
    PaymentMethodDeclined,
    PaymentMethodVaulted,
    Processor,
)


def vaulted(account: Account, result: PaymentMethodVaulted, context: Context) -> Decision:
    """It is kept: charge with it from now on. One that was removed meanwhile is let go again."""
    methods = methods_of(account)
    method = methods.methods.get(result.method_id)
    if method is not None and (method.elsewhere or _at_another(account, method, result)):
        return _left_behind(account, method, result, context)
    if method is None or method.gone:
        return _too_late(account, method, result, context)
    after = activated(methods, method, result.details, result.seen, context)
    decision = applied(account, after, context, shown=_kept(after, method.id).id)
    return brought(account, decision, context, method.setup_intent, result.details.reference)


def action_required(account: Account, result: PaymentMethodActionRequired, context: Context) -> Decision:
    """The customer has to authenticate; what is not done at the deadline is released."""
    method = methods_of(account).methods.get(result.method_id)
    if method is None or method.state is not MethodState.PENDING_SETUP:
        return Applied(
            effects=(read_setup(result.setup_intent, release=True),),
            result=view(_kept(methods_of(account), method.id)) if method else None,
        )
    if of_another(account, result.customer_id):
        gone = ended(method, MethodState.DETACHED, RELINKED, context.now, released=True)
        cancelled = read_setup(result.setup_intent, release=True)
        over = applied(account, methods_of(account).put(gone), context, effects=(cancelled,))
        return Failed(_add_again(), over)
    waiting = changed(
        method,
        context.now,
        setup_intent=result.setup_intent,
        deadline=result.deadline,
        reason=verify_by(result.deadline) if result.deposits else None,
    )
    asked: dict[str, Any] = {
        "status": "requires_action",
        "client_secret": None,
        "intent_type": INTENT,
        "deadline": utc(result.deadline),
    }
    deadline = _deadline(result, context)
    after = methods_of(account).put(waiting)
    return applied(account, after, context, shown=waiting.id, result=asked, effects=(deadline,))


def verify_by(deadline: datetime) -> str:
    """What the owner of a bank account is told."""
    return (
        "Small deposits arrive at the bank account within a few days. "
        f"Verify them until {deadline:%Y-%m-%d}, as the mail about them says."
    )


def declined(account: Account, result: PaymentMethodDeclined, context: Context) -> Decision:
    """It can't be kept: whoever asked is told why and what to do, and nothing is left of it.

    An earlier attempt whose outcome we never learned may still end well in Braintree's vault, so it is let go there
    in any case; a token that is missing is no loss.
    """
    usual = "Use another payment method." if result.permanent else "Try again later, or use another one."
    refused = Refused(Code.NO_VALID_PAYMENT_METHOD, f"{result.reason} {result.advice or usual}")
    method = methods_of(account).methods.get(result.method_id)
    if method is None or method.state is not MethodState.PENDING_SETUP:
        return Failed(refused, Applied())
    released = method.details.processor is Processor.STRIPE
    gone = ended(method, MethodState.DETACHED, result.reason, context.now, released=released)
    return Failed(refused, applied(account, methods_of(account).put(gone), context))


def activated(
    methods: PaymentMethods,
    method: PaymentMethod,
    details: MethodDetails,
    observation: Observation,
    context: Context,
) -> PaymentMethods:
    """The methods with this one usable. A second row of what is kept already gives way to the first, which takes
    over what the customer said of it: word of an attachment may come before the answer to whoever adds the method.
    But the id that the customer was given to authenticate with stays: there it is the first that gives way.
    """
    twin = methods.referred(details.reference)
    if twin is None or twin.id == method.id or twin.gone:
        return _usable(methods, method, details, observation, context)
    if _answered_with(method, twin):
        reason = "It goes on as the method that it was asked for as."
        gone = ended(twin, MethodState.DETACHED, reason, context.now, released=True)
        after = _usable(methods, heir(method, twin, context), details, observation, context)
        return after.put(gone)
    reason = "The same method was added before."
    gone = ended(method, MethodState.DETACHED, reason, context.now, released=True, details=details)
    return methods.put(gone, heir(twin, method, context))


def _usable(
    methods: PaymentMethods,
    method: PaymentMethod,
    details: MethodDetails,
    observation: Observation,
    context: Context,
) -> PaymentMethods:
    if method.state is not MethodState.PENDING_SETUP:
        return methods
    return methods.put(
        changed(
            method,
            context.now,
            state=MethodState.ACTIVE,
            details=details,
            setup_intent=None,
            deadline=None,
            reason=None,
            seen=seen(observation),
        )
    )


def _answered_with(method: PaymentMethod, twin: PaymentMethod) -> bool:
    """Whether somebody was given the id of this one, and its twin only came by word of its attachment.

    It has a deadline once its customer was asked to authenticate. A twin of long before is another matter: it was
    on the account's list when this one was asked for.
    """
    asked = method.state is MethodState.PENDING_SETUP and method.deadline is not None
    told_of = twin.id == method_id_of(twin.details.reference)
    return asked and told_of and twin.created_on > method.created_on - AT_ONCE


def heir(twin: PaymentMethod, method: PaymentMethod, context: Context) -> PaymentMethod:
    """The row that stays, with the name, address and choice of the one that gives way to it."""
    billing = {**twin.billing, **method.billing}
    chosen = twin.chosen_on or method.chosen_on
    if (billing, chosen) == (twin.billing, twin.chosen_on):
        return twin
    return changed(twin, context.now, billing=billing, chosen_on=chosen)


def _kept(methods: PaymentMethods, method_id: str) -> PaymentMethod:
    """The row that stands for a method: its own, or its twin's."""
    method = methods.methods[method_id]
    return methods.referred(method.details.reference) or method


def _too_late(
    account: Account, method: PaymentMethod | None, result: PaymentMethodVaulted, context: Context
) -> Decision:
    """It is let go, for which its name is enough: an account that was erased meanwhile stays so."""
    refused = Refused(Code.NOT_FOUND, "The payment method was removed before its processor had it.")
    if method is None:
        return Failed(refused, Applied())
    again = changed(method, context.now, details=bare(result.details), released=False)
    owed = align_stripe() if again.details.processor is Processor.STRIPE else align_braintree()
    return Failed(refused, applied(account, methods_of(account).put(again), context, effects=(owed,)))


def _at_another(account: Account, method: PaymentMethod, result: PaymentMethodVaulted) -> bool:
    """Whether it was kept, when it was still wanted, for another customer of Stripe's than the account's by now."""
    at_stripe = result.details.processor is Processor.STRIPE
    return at_stripe and not method.gone and of_another(account, result.customer_id)


def _left_behind(
    account: Account, method: PaymentMethod, result: PaymentMethodVaulted, context: Context
) -> Decision:
    """It stays with that customer, and is the account's when that customer is again: then it is looked at."""
    if method.elsewhere:
        looked_at = (
            () if of_another(account, result.customer_id) else (read_method(result.details.reference),)
        )
        return Failed(_add_again(), Applied(effects=looked_at))
    kept = changed(method, context.now, details=result.details, seen=seen(result.seen))
    left = left_behind(kept, context.now)
    return Failed(_add_again(), applied(account, methods_of(account).put(left), context))


def _add_again() -> Refused:
    return Refused(Code.NO_VALID_PAYMENT_METHOD, f"{RELINKED} Add the payment method again.")


def _deadline(result: PaymentMethodActionRequired, context: Context) -> EffectRequest:
    return setup_deadline(result.setup_intent, max(result.deadline - context.now, context.now - context.now))


HANDLERS: Final = (
    Handler(PaymentMethodVaulted, vaulted, needs=(PAYMENT_METHODS, STRIPE_CUSTOMER)),
    Handler(PaymentMethodActionRequired, action_required, needs=(PAYMENT_METHODS, STRIPE_CUSTOMER)),
    Handler(PaymentMethodDeclined, declined, needs=(PAYMENT_METHODS,)),
)
