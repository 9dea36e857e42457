"""Setups that a page collects a method with, from the first request to what came of it (DOMAIN.md 4).

No account is promised more methods than it may keep, so an open setup holds a place. A page that is loaded again must
not lock its customer out, though: a newer request takes the place of the oldest setup, which is cancelled.
"""

from dataclasses import replace
from typing import Final

from handlers import open_setups
from handlers.account import Account
from handlers.decision import Applied, Context, Decision, EffectRequest, Failed, Refused
from handlers.dispatch import Handler
from handlers.open_setups import OpenSetup
from handlers.payment_effects import read_setup, setup_deadline, start_setup
from handlers.payment_method import (
    ERASED,
    PAYMENT_METHODS,
    REMOVED,
    PaymentMethods,
    at,
    living,
    methods_of,
    utc,
)
from handlers.payment_rules import limit_of, merged, over_limit, placed
from handlers.stripe_customers import RELINKED, STRIPE_CUSTOMER, customer_of, of_another
from topics.codes import Code
from topics.payment_methods import (
    MethodState,
    Processor,
    SetupIntentObserved,
    SetupRefused,
    SetupStarted,
    StartPaymentMethodSetup,
)

INTENT: Final = "setup_intent"
NO_PLACE: Final = "The account keeps as many payment methods as it may: another one took its place."


def begin_setup(account: Account, command: StartPaymentMethodSetup, context: Context) -> Decision:
    """Have a setup intent made. What it may bring has its place from now on."""
    if refused := merged(account) or over_limit(account, context):
        return refused
    mine = OpenSetup(context.command_id.hex, context.now + open_setups.AUTHENTICATION)
    decision = Applied(effects=(start_setup(mine.id),), result={"client_secret": None}, concludes=False)
    return with_setups(account, make_room(account, decision, context, reserved=1), context, mine)


def setup_started(account: Account, result: SetupStarted, context: Context) -> Decision:
    """A page may collect a method with it until the deadline, unless its place is taken meanwhile.

    Neither may it when it is for another customer of Stripe's than the account's by now.
    """
    mine = _made(account, result)
    if refused := _unusable(account, result, mine, context):
        gone = open_setups.altered(mine, over=True)
        cancelled = Applied(effects=(read_setup(result.setup_intent, release=True),))
        return Failed(refused, with_setups(account, cancelled, context, gone))
    told = {
        "client_secret": None,
        "intent_type": INTENT,
        "setup_intent": result.setup_intent,
        "deadline": utc(result.deadline),
    }
    deadline = setup_deadline(
        result.setup_intent, max(result.deadline - context.now, context.now - context.now)
    )
    return with_setups(account, Applied(effects=(deadline,), result=told), context, mine)


def _made(account: Account, result: SetupStarted) -> OpenSetup:
    """The setup that was asked for, now that Stripe has it; work that was owed before commands were named has none."""
    asked = next((one for one in customer_of(account).setups if one.id == result.setup_id), None)
    asked = asked or OpenSetup(result.setup_id or result.setup_intent, result.deadline)
    return open_setups.altered(
        asked,
        deadline=result.deadline,
        setup_intent=result.setup_intent,
        customer_id=result.customer_id,
    )


def _unusable(account: Account, result: SetupStarted, mine: OpenSetup, context: Context) -> Refused | None:
    if of_another(account, result.customer_id):
        return Refused(Code.NO_VALID_PAYMENT_METHOD, f"{RELINKED} Ask for a setup again.")
    return _displaced(account, context) if mine.over or over_limit(account, context) else None


def setup_refused(account: Account, result: SetupRefused, context: Context) -> Decision:
    """There is no setup intent, and why. Its place is free again."""
    refused = Refused(Code.NO_VALID_PAYMENT_METHOD, f"{result.reason} No setup could be started.")
    over = [
        open_setups.altered(one, over=True)
        for one in customer_of(account).setups
        if one.id == result.setup_id
    ]
    return Failed(refused, with_setups(account, Applied(), context, *over))


def make_room(account: Account, decision: Applied, context: Context, *, reserved: int = 0) -> Applied:
    """The decision with the oldest setups cancelled for which there is no place beside the methods of its end."""
    after = account.with_changes(decision.changes)
    open_ones = _unnamed(after)
    places = limit_of(account, context) - len(placed(methods_of(after), context.now)) - reserved
    leaving = open_ones[: max(0, len(open_ones) - max(places, 0))]
    return closed(account, decision, context, *leaving)


def _unnamed(account: Account) -> list[OpenSetup]:
    """Setups that may bring a method. One whose customer authenticates for a method on record has that one's place."""
    pending = [one for one in living(methods_of(account)) if one.state is MethodState.PENDING_SETUP]
    named = {one.setup_intent for one in pending if one.setup_intent}
    return [one for one in open_setups.waiting(customer_of(account).setups) if one.setup_intent not in named]


def closed(account: Account, decision: Applied, context: Context, *leaving: OpenSetup) -> Applied:
    """The decision with these setups cancelled: before all else, so that none is completed after it."""
    cancelled: tuple[EffectRequest, ...] = tuple(
        read_setup(one.setup_intent, release=True) for one in leaving if one.setup_intent
    )
    over = [open_setups.altered(one, over=True) for one in leaving]
    decision = replace(decision, effects=(*cancelled, *decision.effects))
    return with_setups(account, decision, context, *over)


def erased(account: Account, decision: Applied, context: Context) -> Applied:
    """The decision with all setups cancelled, and none of what they bring all the same wanted any more."""
    setups = customer_of(account).setups
    decision = closed(account, decision, context, *open_setups.waiting(setups))
    over = [open_setups.altered(one, over=True, erased=True) for one in setups]
    return with_setups(account, decision, context, *over)


def release_pending(methods: PaymentMethods) -> tuple[EffectRequest, ...]:
    """What cancels the setups of the methods that wait for their customer to authenticate."""
    return tuple(
        read_setup(one.setup_intent, release=True)
        for one in at(methods, Processor.STRIPE)
        if one.state is MethodState.PENDING_SETUP and one.setup_intent
    )


def brought(
    account: Account, decision: Applied, context: Context, setup_intent: str | None, reference: str | None
) -> Applied:
    """The decision with a setup noted as over, and with the method that it brought."""
    mine = open_setups.of_intent(customer_of(account).setups, setup_intent)
    if mine is None or (mine.over and mine.brought == reference):
        return decision
    over = open_setups.altered(mine, over=True, brought=reference or mine.brought)
    return with_setups(account, decision, context, over)


def not_kept(account: Account, setup_intent: str, reference: str, context: Context) -> str | None:
    """Why what a setup brought is let go: it was removed, the account was erased, or its place was taken meanwhile.

    A method that was removed is settled when it is let go: the same setup may have been named anew since.
    """
    methods = methods_of(account)
    asked = methods.referred(setup_intent)
    if asked is not None and asked.reason in (REMOVED, ERASED) and not asked.released:
        return asked.reason
    setup = open_setups.of_intent(customer_of(account).setups, setup_intent)
    if setup is None or not setup.over or setup.brought is not None:
        return None
    others = [one for one in placed(methods, context.now) if one.details.reference != reference]
    crowded = len(others) >= limit_of(account, context)
    return ERASED if setup.erased else NO_PLACE if crowded else None


def prolonged(account: Account, decision: Applied, context: Context, fact: SetupIntentObserved) -> Applied:
    """The decision with a setup that has more time than was thought: it is come back to when that is over."""
    if fact.deadline is None or fact.deadline <= context.now:
        return decision
    again = setup_deadline(fact.setup_intent, fact.deadline - context.now)
    decision = replace(decision, effects=(*decision.effects, again))
    mine = open_setups.of_intent(customer_of(account).setups, fact.setup_intent)
    if mine is None or mine.over:
        return decision
    return with_setups(account, decision, context, open_setups.altered(mine, deadline=fact.deadline))


def with_setups(account: Account, decision: Applied, context: Context, *changed: OpenSetup) -> Applied:
    """The decision with these setups as they are from now on."""
    if not changed:
        return decision
    customer = decision.changes.get(STRIPE_CUSTOMER) or customer_of(account)
    setups = open_setups.put(customer.setups, context.now, changed)
    if setups == customer.setups:
        return decision
    after = replace(customer, version=customer_of(account).version + 1, setups=setups)
    return replace(decision, changes={**decision.changes, STRIPE_CUSTOMER: after})


def _displaced(account: Account, context: Context) -> Refused:
    limit = limit_of(account, context)
    return Refused(
        Code.PAYMENT_METHOD_LIMIT,
        f"A later request took the place of this one: the account keeps {limit} payment methods at most.",
    )


HANDLERS: Final = (
    Handler(StartPaymentMethodSetup, begin_setup, needs=(PAYMENT_METHODS, STRIPE_CUSTOMER)),
    Handler(SetupStarted, setup_started, needs=(PAYMENT_METHODS, STRIPE_CUSTOMER)),
    Handler(SetupRefused, setup_refused, needs=(STRIPE_CUSTOMER,)),
)
