"""One account beside what the processors show of it, field by field. Pure.

Identity, the default and how subscriptions are collected go from us outwards; methods, subscriptions and
agreements come from the processors, which are canonical for them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from consumers.performers.stripe_align_subscriptions import FIXED
from consumers.sweeps.known import Known
from handlers.collection_method import Derived, derived, described
from handlers.drift import Cause, Difference
from handlers.payment_method import PaymentMethod, at, first_at
from handlers.paypal_migration import is_nonce
from handlers.stripe_projection import digest
from handlers.subscription import Subscription as Mirror
from state.braintree.vault import Agreement
from state.stripe.customers import Customer, differing, tax_id_changes
from state.stripe.odd import Odd
from state.stripe.payment_methods import Method
from state.stripe.subscriptions import Shown, Subscription
from topics.payment_methods import MethodDetails, MethodState, Processor

STRIPE: Final = Processor.STRIPE.value
BRAINTREE: Final = Processor.BRAINTREE.value
CUSTOMER: Final = "customer"
WANTED: Final = "wanted"
"""What we have of a customer that was never made."""
DEFAULT: Final = "default_payment_method"
METHODS: Final = "payment_methods"
SUBSCRIPTIONS: Final = "subscriptions"
COLLECTION: Final = "collection_method"
AGREEMENTS: Final = "agreements"
VAULT_DEFAULT: Final = "vault_default"
OTHER_KIND: Final = "not PayPal"
"""What the vault has under the token of one of our PayPal methods that it keeps for something else."""
_SHOWN: Final = (
    "kind",
    "last_four",
    "brand",
    "wallet",
    "exp_month",
    "exp_year",
    "fingerprint",
    "payer_email",
    "agreement_id",
    "bank_name",
    "bank_code",
    "bank_country",
    "bank_account_type",
    "cashtag",
)
_IF_BOTH_KNOW: Final = frozenset({"agreement_id"})
"""Compared where both sides say it: rows of before do not have it, Braintree may not show it. A reading fills it in."""
_MIRRORED: Final = (
    "status",
    "collection_method",
    "days_until_due",
    "default_payment_method",
    "cancel_at_period_end",
    "items",
)


def customer(known: Known, found: Customer) -> list[Difference]:
    """Who the account is, and its default, beside a customer. Tax ids only if they were asked for."""
    if found.deleted:
        return [_gone(known)]
    return [*_identity(known, found), *_default(known, found)]


def _gone(known: Known) -> Difference:
    heard = Cause.CUSTOMER_DELETED if known.customer.gone else Cause.CHANGED_AT_PROCESSOR
    cause = Cause.MERGED if known.shared else heard
    return Difference(STRIPE, CUSTOMER, known.customer_id, None, cause)


def of_a_gone_customer(known: Known, *, certain: bool) -> list[Difference]:
    """That it is gone, and each subscription that is still live here.

    Those are read by themselves once the deletion is `certain`, or heard of: while Stripe merely knows no such
    customer, as with keys of another account of ours there, a person looks before anything ends.
    """
    live = subscriptions(known, (), all_of_them=True)
    if not certain and not known.customer.gone and not known.shared:
        live = [replace(one, cause=Cause.CHANGED_AT_PROCESSOR) for one in live]
    return [_gone(known), *live]


def _identity(known: Known, found: Customer) -> Iterator[Difference]:
    desired = known.desired
    wrong = differing(found, desired)
    if desired.tax_ids is not None and found.tax_ids is not None:
        missing, surplus = tax_id_changes(found.tax_ids, desired.tax_ids)
        wrong += ["tax_ids"] if missing or surplus else []
    if not wrong:
        return
    cause = _outward(known, written=known.customer.projection == digest(desired))
    for field in wrong:
        yield Difference(STRIPE, field, _text(_value(desired, field)), _text(_value(found, field)), cause)


def _value(held: Any, field: str) -> Any:
    name, _, key = field.partition(".")
    value = getattr(held, name)
    if name == "tax_ids":
        return ", ".join(sorted(f"{one.type} {one.value}" for one in value))
    return (value or {}).get(key) if key else value


def _default(known: Known, found: Customer) -> Iterator[Difference]:
    wanted = first_at(known.methods, Processor.STRIPE)
    ours, theirs = wanted.details.reference if wanted else None, found.default_payment_method
    held = known.methods.referred(theirs) if theirs else None
    unknown = theirs is not None and (held is None or held.elsewhere)
    if ours != theirs and not (ours is None and unknown):
        yield Difference(STRIPE, DEFAULT, ours, theirs, _outward(known))


def methods(known: Known, found: Iterable[Method]) -> list[Difference]:
    """The account's methods beside all those that Stripe keeps for its customer."""
    listed = list(found)
    theirs = {one.id: one for one in listed if one.details is not None}
    ours = {one.details.reference: one for one in at(known.methods, Processor.STRIPE) if not one.gone}
    odd = {one.id: one.odd for one in listed if one.odd}
    wrong = [_odd(f"{METHODS}.{one}", _state(ours.get(one)), why) for one, why in odd.items()]
    for reference, method in ours.items():
        if method.state is not MethodState.PENDING_SETUP and reference not in theirs.keys() | odd.keys():
            wrong.append(_inward(known, STRIPE, f"{METHODS}.{reference}", method.state.value, None))
    for reference, shown in theirs.items():
        mine = known.methods.referred(reference)
        if mine is None or mine.gone:
            wrong.append(_held_on(known, f"{METHODS}.{reference}", mine))
        elif shown.details is not None and mine.state is not MethodState.PENDING_SETUP:
            wrong += _details(known, f"{METHODS}.{reference}", mine.details, shown.details)
    return wrong


def _held_on(known: Known, field: str, mine: PaymentMethod | None) -> Difference:
    if mine is None or mine.elsewhere:
        return _inward(known, STRIPE, field, None, "attached")
    return Difference(STRIPE, field, mine.state.value, "attached", _outward(known))


def _details(known: Known, field: str, ours: MethodDetails, theirs: MethodDetails) -> Iterator[Difference]:
    for name in _SHOWN:
        mine, shown = getattr(ours, name), getattr(theirs, name)
        if mine != shown and not (name in _IF_BOTH_KNOW and None in (mine, shown)):
            yield _inward(known, ours.processor.value, f"{field}.{name}", _text(mine), _text(shown))


def subscriptions(known: Known, found: Iterable[Shown], *, all_of_them: bool) -> list[Difference]:
    """The mirror beside what Stripe shows; `all_of_them` if what was not shown is over there."""
    theirs = {one.id: one for one in found}
    wanted = derived(known.methods)
    wrong: list[Difference] = []
    for shown in theirs.values():
        mirror = known.subscriptions.subscriptions.get(shown.id)
        if isinstance(shown, Odd):
            ours = mirror.status.value if mirror else None
            wrong.append(_odd(f"{SUBSCRIPTIONS}.{shown.id}", ours, shown.reason))
            continue
        wrong += _collection(known, shown, wanted)
        if mirror is None:
            wrong.append(_inward(known, STRIPE, f"{SUBSCRIPTIONS}.{shown.id}", None, shown.status.value))
        else:
            wrong += _mirror(known, mirror, shown)
    if all_of_them:
        for mirror in known.subscriptions.subscriptions.values():
            if mirror.live and mirror.id not in theirs:
                field = f"{SUBSCRIPTIONS}.{mirror.id}.status"
                wrong.append(_inward(known, STRIPE, field, mirror.status.value, None))
    return wrong


def _collection(known: Known, shown: Subscription, wanted: Derived) -> Iterator[Difference]:
    pinned = shown.default_payment_method
    met = wanted.met_by(shown.collection_method, shown.days_until_due, pinned)
    if not met and shown.status not in FIXED:
        ours = described(wanted.value, wanted.days_until_due)
        theirs = described(shown.collection_method, shown.days_until_due, pinned)
        yield Difference(STRIPE, f"{SUBSCRIPTIONS}.{shown.id}.{COLLECTION}", ours, theirs, _outward(known))


def _mirror(known: Known, mirror: Mirror, shown: Subscription) -> Iterator[Difference]:
    for name in _MIRRORED:
        ours, theirs = getattr(mirror, name), getattr(shown, name)
        if ours != theirs:
            field = f"{SUBSCRIPTIONS}.{shown.id}.mirrored_{name}"
            yield _inward(known, STRIPE, field, _text(ours), _text(theirs))


def agreements(
    known: Known, found: Iterable[Agreement], *, not_paypal: Collection[str] = ()
) -> list[Difference]:
    """The account's agreements beside all those that Braintree's vault has for it.

    One that is another customer's there is shown as well, if it was looked for; `not_paypal` are the tokens that
    turned out to be something else's then.
    """
    theirs = {one.token: one for one in found}
    ours = {one.details.reference: one for one in at(known.methods, Processor.BRAINTREE)}
    wrong: list[Difference] = []
    for token, method in ours.items():
        shown = theirs.get(token)
        field = f"{AGREEMENTS}.{f'nonce_of_{method.id}' if is_nonce(token) else token}"
        if method.state is MethodState.ACTIVE:
            if token in not_paypal:
                wrong.append(Difference(BRAINTREE, field, method.state.value, OTHER_KIND, Cause.NOT_MIGRATED))
            else:
                wrong += _agreement(known, field, method, shown)
        elif method.state is MethodState.DETACHED and shown and not shown.revoked:
            wrong.append(
                Difference(BRAINTREE, field, method.state.value, "vaulted", _outward(known, BRAINTREE))
            )
    for token in theirs.keys() - ours.keys() - known.moving:
        state = "revoked" if theirs[token].revoked else "vaulted"
        wrong.append(_inward(known, BRAINTREE, f"{AGREEMENTS}.{token}", None, state))
    return [*wrong, *_vault_default(known, theirs)]


def _agreement(
    known: Known, field: str, method: PaymentMethod, shown: Agreement | None
) -> Iterator[Difference]:
    state, token = method.state.value, method.details.reference
    if is_nonce(token):
        yield Difference(BRAINTREE, field, state, None, Cause.NOT_MIGRATED)
    elif shown is None or shown.revoked:
        yield _inward(known, BRAINTREE, field, state, "revoked" if shown else None)
    elif shown.customer_id != known.account_id:
        yield Difference(BRAINTREE, field, state, "another customer's", Cause.NOT_MIGRATED)
    else:
        yield from _details(known, field, method.details, shown.details)


def _vault_default(known: Known, theirs: Mapping[str, Agreement]) -> Iterator[Difference]:
    wanted = first_at(known.methods, Processor.BRAINTREE)
    shown = theirs.get(wanted.details.reference) if wanted else None
    ours = shown is not None and shown.customer_id == known.account_id
    if wanted and shown and ours and not shown.revoked and not shown.default:
        held = next((one.token for one in theirs.values() if one.default), None)
        yield Difference(BRAINTREE, VAULT_DEFAULT, wanted.details.reference, held, _outward(known, BRAINTREE))


def _odd(field: str, ours: str | None, why: str) -> Difference:
    """What is shown and not understood, which is no word of its end."""
    return Difference(STRIPE, field, ours, why, Cause.NOT_UNDERSTOOD)


def _state(method: PaymentMethod | None) -> str | None:
    return method.state.value if method else None


def _inward(known: Known, processor: str, field: str, ours: str | None, theirs: str | None) -> Difference:
    cause = Cause.MERGED if known.shared and processor == STRIPE else Cause.MISSED_WEBHOOK
    return Difference(processor, field, ours, theirs, cause)


def _outward(known: Known, processor: str = STRIPE, *, written: bool = True) -> Cause:
    if known.shared and processor == STRIPE:
        return Cause.MERGED
    if processor in known.stuck or not written:
        return Cause.FAILED_EFFECT
    return Cause.CHANGED_AT_PROCESSOR


def _text(value: Any) -> str | None:
    """A value as a person reads it."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, Mapping):
        return ", ".join(str(part) for part in value.values() if part) or None
    if isinstance(value, tuple):
        return "; ".join(_part(one) for one in value) or None
    return str(getattr(value, "value", value))


def _part(one: Any) -> str:
    dump = getattr(one, "model_dump", None)
    return ", ".join(f"{name} {held}" for name, held in dump(exclude_none=True).items()) if dump else str(one)
