"""The processors as sweeps ask them: behind everybody else in the budget, every request counted."""

from dataclasses import dataclass

from state.braintree.client import Braintree
from state.braintree.client import Caller as BraintreeCaller
from state.postgres.sweeps import Counts
from state.redis.budget import Priority
from state.stripe.client import Caller, Stripe


@dataclass(frozen=True, slots=True)
class Processors:
    """Stripe and Braintree; `braintree_keys` is whether there are any, without which it is no use asking."""

    stripe: Stripe
    braintree: Braintree
    braintree_keys: bool = True

    def ask_stripe(self, counts: Counts) -> Caller:
        """Stripe, with each request counted."""
        return Caller(self.stripe, Priority.SWEEP, lambda: _count(counts))

    def ask_braintree(self, counts: Counts) -> BraintreeCaller:
        """Braintree, with each request counted."""
        return BraintreeCaller(self.braintree, Priority.SWEEP, lambda: _count(counts))


def _count(counts: Counts) -> None:
    counts.calls += 1
