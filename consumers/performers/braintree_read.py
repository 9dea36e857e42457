"""Look at an agreement in Braintree's vault of which is in doubt what it is like (DESIGN.md 4, law 7)."""

from consumers.braintree_facts import gone, observed
from consumers.performers.braintree_answers import caller, seen
from consumers.performers.stripe_answers import PostponedError, RefusedError, done, is_missing
from consumers.performers.stripe_view import view
from consumers.performing import GivenUp, Outcome, Performed, Work
from state.braintree import vault
from state.braintree.client import Braintree


async def read_braintree(braintree: Braintree, work: Work) -> Outcome:
    """Tell what an agreement is like, or that there is none."""
    found = await view(work)
    reference = str(found.effect.payload["reference"])
    answer = await vault.find(caller(braintree, work), reference)
    if is_missing(answer):
        return Performed(found.effect.generation, (gone(reference, seen(answer)),))
    try:
        agreement = done(answer)
        if agreement.customer_id != found.effect.account_id and not agreement.revoked:
            reason = f"The agreement {reference} is another customer's in Braintree's vault."
            return GivenUp(found.effect.generation, reason)
        fact = observed(agreement, seen(answer))
    except PostponedError as postponed:
        return postponed.outcome
    except RefusedError as error:
        return GivenUp(found.effect.generation, error.refused.reason)
    return Performed(found.effect.generation, (fact,))
