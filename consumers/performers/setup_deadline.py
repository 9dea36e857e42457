"""The time to authenticate is over: nobody is called, the account is told."""

from consumers.performing import Outcome, Performed, Work
from topics.payment_methods import SetupDeadlinePassed


async def setup_deadline(work: Work) -> Outcome:
    """Tell it; the effect was not due before."""
    fact = SetupDeadlinePassed(setup_intent=str(work.effect.payload["setup_intent"]))
    return Performed(work.effect.generation, (fact,))
