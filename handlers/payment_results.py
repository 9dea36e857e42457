"""What came of adding a method at its processor: kept, to be authenticated, or declined."""

from datetime import UTC, datetime
from typing import Any, Final

from handlers.account import Account
from handlers.decision import Applied, Context, Decision, EffectRequest, Failed, Refused
from handlers.dispatch import Handler
from handlers.ordering import seen
from handlers.payment_changes import applied
from handlers.payment_effects import read_setup, setup_deadline
from handlers.payment_method import (
    PAYMENT_METHODS,
    PaymentMethod,
    PaymentMethods,
    changed,
    ended,
    methods_of,
    view,
)
from topics.codes import Code
from topics.observation import Observation
from topics.payment_methods import (
    MethodDetails,
    MethodState,
    PaymentMethodActionRequired,
    PaymentMethodDeclined,
    PaymentMethodVaulted,
    Processor,
    SetupRefused,
    SetupStarted,
)

INTENT: Final = "setup_intent"


def vaulted(account: Account, result: PaymentMethodVaulted, context: Context) -> Decision:
    """It is kept: charge with it from now on. One that was removed meanwhile is let go again."""
    methods = methods_of(account)
    method = methods.methods.get(result.method_id)
    if method is None or method.gone:
        return _too_late(account, method, result, context)
    after = activated(methods, method, result.details, result.seen, context)
    return applied(account, after, context, shown=_kept(after, method.id).id)


def action_required(account: Account, result: PaymentMethodActionRequired, context: Context) -> Decision:
    """The customer has to authenticate; what is not done at the deadline is released."""
    method = methods_of(account).methods.get(result.method_id)
    if method is None or method.state is not MethodState.PENDING_SETUP:
        return Applied(
            effects=(read_setup(result.setup_intent, release=True),), result=view(method) if method else None
        )
    waiting = changed(method, context.now, setup_intent=result.setup_intent, deadline=result.deadline)
    asked: dict[str, Any] = {
        "status": "requires_action",
        "client_secret": None,
        "intent_type": INTENT,
        "deadline": _utc(result.deadline),
    }
    deadline = _deadline(result, context)
    after = methods_of(account).put(waiting)
    return applied(account, after, context, shown=waiting.id, result=asked, effects=(deadline,))


def declined(account: Account, result: PaymentMethodDeclined, context: Context) -> Decision:
    """It can't be kept: whoever asked is told why and what to do, and nothing is left of it.

    An earlier attempt whose outcome we never learned may still end well in Braintree's vault, so it is let go there
    in any case; a token that is missing is no loss.
    """
    advice = "Use another payment method." if result.permanent else "Try again later, or use another one."
    refused = Refused(Code.NO_VALID_PAYMENT_METHOD, f"{result.reason} {advice}")
    method = methods_of(account).methods.get(result.method_id)
    if method is None or method.state is not MethodState.PENDING_SETUP:
        return Failed(refused, Applied())
    released = method.details.processor is Processor.STRIPE
    gone = ended(method, MethodState.DETACHED, result.reason, context.now, released=released)
    return Failed(refused, applied(account, methods_of(account).put(gone), context))


def setup_started(account: Account, result: SetupStarted, context: Context) -> Decision:
    """A page may collect a method with it until the deadline."""
    told = {
        "client_secret": None,
        "intent_type": INTENT,
        "setup_intent": result.setup_intent,
        "deadline": _utc(result.deadline),
    }
    return Applied(effects=(_deadline(result, context),), result=told)


def setup_refused(account: Account, result: SetupRefused, context: Context) -> Decision:
    """There is no setup intent, and why."""
    return Failed(
        Refused(Code.NO_VALID_PAYMENT_METHOD, f"{result.reason} No setup could be started."), Applied()
    )


def activated(
    methods: PaymentMethods,
    method: PaymentMethod,
    details: MethodDetails,
    observation: Observation,
    context: Context,
) -> PaymentMethods:
    """The methods with this one usable; a second row of what is kept already gives way to the first."""
    twin = methods.referred(details.reference)
    if twin is not None and twin.id != method.id and not twin.gone:
        reason = "The same method was added before."
        wished = twin
        if method.chosen_on is not None and twin.chosen_on is None:
            wished = changed(twin, context.now, chosen_on=method.chosen_on)
        return methods.put(
            ended(method, MethodState.DETACHED, reason, context.now, released=True, details=details), wished
        )
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


def _kept(methods: PaymentMethods, method_id: str) -> PaymentMethod:
    """The row that stands for a method: its own, or its twin's."""
    method = methods.methods[method_id]
    return methods.referred(method.details.reference) or method


def _too_late(
    account: Account, method: PaymentMethod | None, result: PaymentMethodVaulted, context: Context
) -> Decision:
    refused = Refused(Code.NOT_FOUND, "The payment method was removed before its processor had it.")
    if method is None:
        return Failed(refused, Applied())
    again = changed(method, context.now, details=result.details, released=False)
    return Failed(refused, applied(account, methods_of(account).put(again), context))


def _utc(moment: datetime) -> str:
    """RFC 3339 with Z (DOMAIN.md 10)."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _deadline(result: PaymentMethodActionRequired | SetupStarted, context: Context) -> EffectRequest:
    return setup_deadline(result.setup_intent, max(result.deadline - context.now, context.now - context.now))


HANDLERS: Final = (
    Handler(PaymentMethodVaulted, vaulted, needs=(PAYMENT_METHODS,)),
    Handler(PaymentMethodActionRequired, action_required, needs=(PAYMENT_METHODS,)),
    Handler(PaymentMethodDeclined, declined, needs=(PAYMENT_METHODS,)),
    Handler(SetupStarted, setup_started),
    Handler(SetupRefused, setup_refused),
)
