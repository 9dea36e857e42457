"""Bring Braintree's vault in line with the account: the default, and what was removed here is let go there."""

from consumers.braintree_facts import gone, observed
from consumers.performers.braintree_answers import caller, seen
from consumers.performers.stripe_answers import PostponedError, RefusedError, done, is_missing
from consumers.performers.stripe_view import View, view
from consumers.performing import GivenUp, Outcome, Performed, Work
from handlers.payment_method import PaymentMethod, at, first_at
from handlers.paypal_migration import is_nonce
from observability.crash import crash_point
from state.braintree import vault
from state.braintree.client import Braintree, Caller
from state.postgres import payment_methods
from topics.message import Fact
from topics.payment_methods import PaymentMethodsReleased, Processor


async def align_braintree(braintree: Braintree, work: Work) -> Outcome:
    """Default and deletions as the account has them."""
    found = await view(work)
    ask = caller(braintree, work)
    told: list[Fact] = []
    try:
        told += await _default(ask, found)
        told += await _released(ask, work, found)
    except PostponedError as postponed:
        return postponed.outcome
    except RefusedError as error:
        return GivenUp(found.effect.generation, error.refused.reason, tuple(told))
    return Performed(found.effect.generation, tuple(told))


async def _default(ask: Caller, found: View) -> list[Fact]:
    """The first of the ladder that Braintree keeps is its default; what is not as it was is told.

    A nonce that an older system kept as a token is in no vault, and is named in no fact.
    """
    wanted = first_at(found.methods, Processor.BRAINTREE)
    if wanted is None or is_nonce(wanted.details.reference):
        return []
    answer = await vault.find(ask, wanted.details.reference)
    if is_missing(answer):
        return [gone(wanted.details.reference, seen(answer))]
    agreement = done(answer)
    if agreement.revoked:
        return [observed(agreement, seen(answer))]
    if not agreement.default:
        done(await vault.make_default(ask, agreement.token))
        crash_point("braintree.default_made")
    return []


async def _released(ask: Caller, work: Work, found: View) -> list[Fact]:
    """What is gone here is let go there, but for a token with which another account pays."""
    let_go = []
    for method in _unreleased(found):
        if not await _paid_by_others(work, method):
            answer = await vault.delete(ask, method.details.reference)
            crash_point("braintree.deleted")
            if not is_missing(answer):
                done(answer)
        let_go.append(method.id)
    return [PaymentMethodsReleased(method_ids=tuple(let_go))] if let_go else []


async def _paid_by_others(work: Work, method: PaymentMethod) -> bool:
    async with work.store.acquire() as connection:
        tokens, account_id = [method.details.reference], work.effect.account_id
        return await payment_methods.paid_by_others(connection, tokens, account_id)


def _unreleased(found: View) -> list[PaymentMethod]:
    return [one for one in at(found.methods, Processor.BRAINTREE) if one.gone and not one.released]
