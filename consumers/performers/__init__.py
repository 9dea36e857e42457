"""Who performs which kind of effect: the one place where a performer is wired in."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from redis.asyncio import Redis

from consumers.performers.braintree_align import align_braintree
from consumers.performers.braintree_read import read_braintree
from consumers.performers.braintree_vault import vault_paypal
from consumers.performers.paypal_migrate import migrate_paypal
from consumers.performers.setup_deadline import setup_deadline
from consumers.performers.stripe_align import align_payments
from consumers.performers.stripe_attach import attach_payment_method
from consumers.performers.stripe_discard import discard_customer
from consumers.performers.stripe_read_customer import read_customer
from consumers.performers.stripe_read_setup import read_setup
from consumers.performers.stripe_reads import read_payment_method, read_subscription
from consumers.performers.stripe_start_setup import start_setup
from consumers.performers.stripe_sync import sync_customer
from consumers.performing import Performer
from consumers.sync_effect import SYNC_EFFECT
from handlers import payment_effects as kinds
from handlers.paypal_migration import MIGRATE
from handlers.stripe_customers import DISCARD_EFFECT, READ_CUSTOMER
from state.braintree.client import Braintree
from state.stripe.client import Stripe


def performers(stripe: Stripe, braintree: Braintree, redis: Redis) -> Mapping[str, Performer]:
    """Every performer by its kind of effect. Nothing of a processor's is claimed while its breaker is open."""
    return {
        **_held(stripe.breaker.held_for, _of_stripe(stripe, redis)),
        **_held(braintree.breaker.held_for, _of_braintree(braintree, redis)),
        kinds.SETUP_DEADLINE: Performer(setup_deadline),
    }


def _of_stripe(stripe: Stripe, redis: Redis) -> dict[str, Callable[..., Any]]:
    return {
        SYNC_EFFECT: partial(sync_customer, stripe),
        DISCARD_EFFECT: partial(discard_customer, stripe),
        READ_CUSTOMER: partial(read_customer, stripe),
        kinds.ATTACH_METHOD: partial(attach_payment_method, stripe, redis),
        kinds.START_SETUP: partial(start_setup, stripe, redis),
        kinds.READ_SETUP: partial(read_setup, stripe),
        kinds.READ_METHOD: partial(read_payment_method, stripe),
        kinds.READ_SUBSCRIPTION: partial(read_subscription, stripe),
        kinds.ALIGN_STRIPE: partial(align_payments, stripe),
    }


def _of_braintree(braintree: Braintree, redis: Redis) -> dict[str, Callable[..., Any]]:
    return {
        kinds.VAULT_PAYPAL: partial(vault_paypal, braintree, redis),
        kinds.ALIGN_BRAINTREE: partial(align_braintree, braintree),
        kinds.READ_BRAINTREE: partial(read_braintree, braintree),
        MIGRATE: partial(migrate_paypal, braintree),
    }


def _held(
    held_for: Callable[[], float], performing: Mapping[str, Callable[..., Any]]
) -> dict[str, Performer]:
    return {kind: Performer(perform, held_for) for kind, perform in performing.items()}
