"""Who performs which kind of effect: the one place where a performer is wired in."""

from collections.abc import Mapping
from functools import partial

from consumers.performers.stripe_discard import discard_customer
from consumers.performers.stripe_sync import sync_customer
from consumers.performing import Performer
from consumers.sync_effect import SYNC_EFFECT
from handlers.stripe_customers import DISCARD_EFFECT
from state.stripe.client import Stripe


def performers(stripe: Stripe) -> Mapping[str, Performer]:
    """Every performer by its kind of effect. Nothing of Stripe's is claimed while its breaker is open."""
    held_for = stripe.breaker.held_for
    return {
        SYNC_EFFECT: Performer(partial(sync_customer, stripe), held_for),
        DISCARD_EFFECT: Performer(partial(discard_customer, stripe), held_for),
    }
