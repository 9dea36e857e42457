"""Let go at Stripe what was removed from the account: methods are detached, unfinished setups cancelled."""

from consumers.performers.stripe_alignment import Alignment
from consumers.performers.stripe_answers import RefusedError, done, is_missing
from consumers.performers.stripe_keys import fresh_key
from consumers.performers.stripe_view import View
from handlers.payment_method import PaymentMethod, at
from observability.crash import crash_point
from state.stripe import payment_methods, setup_intents
from state.stripe.answers import Refused
from state.stripe.setup_intents import CANCELED, SUCCEEDED
from topics.payment_methods import Processor

_SETUP = "seti_"


def unreleased(seen: View) -> list[PaymentMethod]:
    """The tombstones that Stripe may still keep something for."""
    return [one for one in at(seen.methods, Processor.STRIPE) if one.gone and not one.released]


async def let_go(alignment: Alignment) -> None:
    """Each is looked at first: what belongs to another customer is not ours to detach."""
    for method in unreleased(alignment.seen):
        try:
            await _let_go(alignment, method)
        except RefusedError as error:
            alignment.refused(method.details.reference, error.refused)
        else:
            alignment.let_go.append(method.id)


async def _let_go(alignment: Alignment, method: PaymentMethod) -> None:
    if method.setup_intent or method.details.reference.startswith(_SETUP):
        await _cancel(alignment, method.setup_intent or method.details.reference)
    if not method.details.reference.startswith(_SETUP):
        await _detach(alignment, method.details.reference)


async def _cancel(alignment: Alignment, intent_id: str) -> None:
    """The intent cancelled, or, if it succeeded, what it brought detached."""
    answer = await setup_intents.retrieve(alignment.ask, intent_id)
    if is_missing(answer):
        return
    intent = done(answer)
    if intent.customer_id != alignment.customer_id or intent.status == CANCELED:
        return
    if intent.status == SUCCEEDED:
        if intent.payment_method:
            await _detach(alignment, intent.payment_method)
        return
    done(await setup_intents.cancel(alignment.ask, intent_id, key=_key(alignment, intent_id)))
    crash_point("payments.setup_cancelled")


async def _detach(alignment: Alignment, reference: str) -> None:
    """The method detached, unless it is not this customer's (any more), or the account has it in another row."""
    row = alignment.seen.methods.referred(reference)
    if row is not None and not row.gone:
        return
    answer = await payment_methods.retrieve(alignment.ask, reference)
    if is_missing(answer) or done(answer).customer_id != alignment.customer_id:
        return
    detached = await payment_methods.detach(alignment.ask, reference, key=_key(alignment, reference))
    crash_point("payments.method_detached")
    if not isinstance(detached, Refused):
        done(detached)
        return
    again = await payment_methods.retrieve(alignment.ask, reference)
    if not is_missing(again) and done(again).customer_id == alignment.customer_id:
        raise RefusedError(detached)


def _key(alignment: Alignment, reference: str) -> str:
    return fresh_key(alignment.work, alignment.seen.effect.generation, {"let go": reference})
