"""Decisions of commands about payment methods: add, edit, remove, choose the default (DOMAIN.md 4)."""

from dataclasses import replace as dataclass_replace
from typing import Any, Final

from handlers import (
    agreement_facts,
    open_setups,
    payment_facts,
    payment_results,
    payment_setups,
    relinking,
    sharing,
)
from handlers.account import Account
from handlers.accounts import version_conflict
from handlers.card_expiry import review
from handlers.decision import Applied, Context, Decision, Refused
from handlers.dispatch import Handler
from handlers.open_setups import OpenSetup, waiting
from handlers.payment_changes import applied, with_default
from handlers.payment_effects import (
    align_braintree,
    align_stripe,
    attach,
    read_setup,
    vault_paypal,
)
from handlers.payment_method import (
    BILLING_FIELDS,
    ERASED,
    PAYMENT_METHODS,
    REMOVED,
    PaymentMethod,
    bare,
    changed,
    ended,
    methods_of,
)
from handlers.payment_rules import may_add, merged, removal
from handlers.payment_setups import make_room, release_pending
from handlers.profiles import erase as erase_profile
from handlers.stripe_customers import STRIPE_CUSTOMER, customer_of, read_customer
from handlers.subscription import SUBSCRIPTIONS
from topics.accounts import EraseAccount
from topics.codes import Code
from topics.payment_methods import (
    AddPaymentMethod,
    EditPaymentMethod,
    MethodDetails,
    MethodKind,
    MethodState,
    Processor,
    ReconcileCollectionMethod,
    RemovePaymentMethod,
    ReviewCardExpiry,
    SetDefaultPaymentMethod,
)


def add(account: Account, command: AddPaymentMethod, context: Context) -> Decision:
    """Begin to keep a method: it is pending until its processor has it."""
    setup = open_setups.of_intent(customer_of(account).setups, command.setup_intent)
    standing = _standing(account, command, setup)
    if standing is not None and not standing.gone:
        return _once_more(account, standing, command, context)
    has_place = setup is not None and setup in waiting(customer_of(account).setups)
    if refused := may_add(account, command, context, has_place=has_place):
        return refused
    method = _pending(command, context)
    paypal = command.method_kind is MethodKind.PAYPAL
    effect = (
        vault_paypal(method.id)
        if paypal
        else attach(method.id, payment_method=command.payment_method, setup_intent=command.setup_intent)
    )
    after = methods_of(account).put(method)
    added = applied(account, after, context, shown=method.id, effects=(effect,), concludes=False)
    return added if has_place else make_room(account, added, context)


def _standing(account: Account, command: AddPaymentMethod, setup: OpenSetup | None) -> PaymentMethod | None:
    """The row of the same method, be it named by itself or by the setup that brought it."""
    references = (command.payment_method, command.setup_intent, setup.brought if setup else None)
    found = (methods_of(account).referred(one) for one in references if one)
    return next((one for one in found if one is not None), None)


def edit(account: Account, command: EditPaymentMethod, context: Context) -> Decision:
    """Change what the customer says of a method; fields that are not given stay."""
    method = methods_of(account).methods.get(command.method_id)
    if method is None or method.gone:
        return _absent()
    if conflict := version_conflict(command.expected_version, method.version):
        return conflict
    if command.default and (refused := merged(account) or _unusable(method)):
        return refused
    given = _given(command)
    after = methods_of(account)
    if any(method.billing.get(name) != text for name, text in given.items()):
        method = changed(method, context.now, billing={**method.billing, **given})
        after = after.put(method)
    if command.default:
        after = with_default(after, method, context)
    return applied(account, after, context, shown=method.id)


def remove(account: Account, command: RemovePaymentMethod, context: Context) -> Decision:
    """Take a method away, unless something needs it (1306, 1307). One that is gone stays so."""
    method = methods_of(account).methods.get(command.method_id)
    if method is None:
        return _absent()
    if method.gone:
        return Applied(result={"id": method.id})
    if refused := merged(account) or removal(account, method, context.now):
        return refused
    gone = ended(method, MethodState.DETACHED, REMOVED, context.now)
    waiting = method.setup_intent if method.state is MethodState.PENDING_SETUP else None
    cancelled = (read_setup(waiting, release=True),) if waiting else ()
    after = methods_of(account).put(gone)
    return applied(account, after, context, result={"id": method.id}, effects=cancelled)


def set_default(account: Account, command: SetDefaultPaymentMethod, context: Context) -> Decision:
    """Charge this method first. It must be usable (1210)."""
    method = methods_of(account).methods.get(command.method_id)
    if method is None or method.gone:
        return _absent()
    if refused := merged(account) or _unusable(method):
        return refused
    after = with_default(methods_of(account), method, context)
    return applied(account, after, context, shown=method.id)


def reconcile(account: Account, command: ReconcileCollectionMethod, context: Context) -> Decision:
    """Have both processors looked at and brought in line. What the account's customer pays with is read first."""
    if refused := merged(account):
        return refused
    looks = (read_customer(),) if customer_of(account).customer_id else ()
    return Applied(effects=(*looks, align_stripe(), align_braintree()), result={"reconciling": True})


def erase(account: Account, command: EraseAccount, context: Context) -> Decision:
    """The methods' part in an erasure: none is kept, and nothing is known of whoever paid with them.

    Work in flight must not undo it: open setups are cancelled, and what comes late is known by the time of it.
    """
    decision = erase_profile(account, command, context)
    if not isinstance(decision, Applied):
        return decision
    bared = [_erased(one, context) for one in methods_of(account).methods.values()]
    own = applied(account, methods_of(account).put(*bared), context)
    own = payment_setups.erased(account, own, context)
    return dataclass_replace(
        decision,
        changes={**decision.changes, **own.changes},
        events=(*decision.events, *own.events),
        effects=(*decision.effects, *release_pending(methods_of(account)), *own.effects),
    )


def _erased(method: PaymentMethod, context: Context) -> PaymentMethod:
    left = {"details": bare(method.details), "billing": {}}
    if method.gone:
        return changed(method, context.now, reason=ERASED, **left)
    return ended(method, MethodState.DETACHED, ERASED, context.now, **left)


def _once_more(
    account: Account, standing: PaymentMethod, command: AddPaymentMethod, context: Context
) -> Decision:
    """The same method again: it is kept already, or on its way. What is said of it now holds.

    As long as it can't be charged, what was chosen before stays the default, as when a method is added.
    """
    if command.default and (refused := merged(account)):
        return refused
    billing = {**standing.billing, **_given(command)}
    if billing != standing.billing:
        standing = changed(standing, context.now, billing=billing)
    after = methods_of(account).put(standing)
    if command.default and standing.state is MethodState.ACTIVE:
        after = with_default(after, standing, context)
    elif command.default:
        after = after.put(changed(standing, context.now, chosen_on=context.now))
    return applied(account, after, context, shown=standing.id)


def _pending(command: AddPaymentMethod, context: Context) -> PaymentMethod:
    """Named by the command that adds it; PayPal's vault token is that name."""
    method_id = context.command_id.hex
    paypal = command.method_kind is MethodKind.PAYPAL
    return PaymentMethod(
        id=method_id,
        details=MethodDetails(
            processor=Processor.BRAINTREE if paypal else Processor.STRIPE,
            kind=command.method_kind,
            reference=command.payment_method or command.setup_intent or method_id,
        ),
        state=MethodState.PENDING_SETUP,
        version=1,
        created_on=context.now,
        edited_on=context.now,
        chosen_on=context.now if command.default else None,
        billing=_given(command),
        setup_intent=command.setup_intent,
    )


def _given(command: AddPaymentMethod | EditPaymentMethod) -> dict[str, Any]:
    return {name: getattr(command, name) for name in BILLING_FIELDS if name in command.model_fields_set}


def _absent() -> Refused:
    return Refused(Code.NOT_FOUND, "There is no such payment method.")


def _unusable(method: PaymentMethod) -> Refused | None:
    if method.state is MethodState.ACTIVE:
        return None
    way_out = {
        MethodState.PENDING_SETUP: "It is still being set up. Complete its authentication first.",
        MethodState.EXPIRED: "It has expired. Add it again with its new date, or choose another one.",
    }
    return Refused(
        Code.NO_VALID_PAYMENT_METHOD,
        f"This payment method can't be charged. {way_out.get(method.state, 'Choose another one.')}",
    )


HANDLERS: Final = (
    Handler(AddPaymentMethod, add, needs=(PAYMENT_METHODS, STRIPE_CUSTOMER)),
    Handler(EditPaymentMethod, edit, needs=(PAYMENT_METHODS, STRIPE_CUSTOMER)),
    Handler(RemovePaymentMethod, remove, needs=(PAYMENT_METHODS, SUBSCRIPTIONS, STRIPE_CUSTOMER)),
    Handler(SetDefaultPaymentMethod, set_default, needs=(PAYMENT_METHODS, STRIPE_CUSTOMER)),
    Handler(ReconcileCollectionMethod, reconcile, needs=(STRIPE_CUSTOMER,)),
    Handler(ReviewCardExpiry, review, needs=(PAYMENT_METHODS,)),
    *payment_setups.HANDLERS,
    *payment_results.HANDLERS,
    *payment_facts.HANDLERS,
    *agreement_facts.HANDLERS,
    *relinking.HANDLERS,
    *sharing.HANDLERS,
)
