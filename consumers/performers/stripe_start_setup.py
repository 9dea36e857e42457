"""Begin a setup intent, for a page to collect a payment method with."""

from redis.asyncio import Redis

from consumers.performers.stripe_answers import PostponedError, RefusedError, caller
from consumers.performers.stripe_payer import payer
from consumers.performers.stripe_refusals import refusal_of
from consumers.performers.stripe_setups import hand_over, metadata, setup_of_operation
from consumers.performers.stripe_view import view
from consumers.performing import Outcome, Performed, Work
from handlers.stripe_projection import SHARED_REASON
from state.stripe import setup_intents
from state.stripe.client import Stripe
from topics.message import Fact, Result
from topics.payment_methods import SetupRefused, SetupStarted


async def start_setup(stripe: Stripe, redis: Redis, work: Work) -> Outcome:
    """Conclude the operation: the intent waits and its secret was handed over, or why there is none."""
    seen = await view(work)
    if seen.record is None:
        return Performed(seen.effect.generation)
    if seen.shared:
        refused = SetupRefused(reason=SHARED_REASON, setup_id=_asked(work))
        return Performed(seen.effect.generation, conclusion=refused)
    ask, told = caller(stripe, work), tuple[Fact, ...]()
    conclusion: Result
    try:
        customer_id, told = await payer(ask, work, seen)
        params = setup_intents.opened(customer_id, metadata(work))
        setup = await setup_of_operation(ask, work, customer_id, params)
        deadline = await hand_over(redis, work, setup)
        conclusion = SetupStarted(
            setup_intent=setup.value.id, deadline=deadline, setup_id=_asked(work), customer_id=customer_id
        )
    except PostponedError as postponed:
        return postponed.outcome
    except RefusedError as error:
        sentence = refusal_of(error.refused).sentence
        conclusion = SetupRefused(reason=sentence, setup_id=_asked(work))
    return Performed(seen.effect.generation, told, conclusion)


def _asked(work: Work) -> str | None:
    """The command that asked; older work does not say."""
    found = work.effect.payload.get("setup_id")
    return str(found) if found else None
