"""One alignment of a customer's payment side under way: what it works on, and what there is to tell of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from consumers.performers.stripe_view import View
from consumers.performing import Work
from state.stripe.answers import Refused
from state.stripe.client import Caller
from topics.message import Fact
from topics.payment_methods import PaymentMethodsReleased

_AT_ONCE = 100


@dataclass(slots=True)
class Alignment:
    """`told` is what was seen, `let_go` the ids of the methods that Stripe keeps no more, `refusals` what can't be.

    A refusal of one part does not hold up the others.
    """

    ask: Caller
    work: Work
    seen: View
    customer_id: str
    told: list[Fact] = field(default_factory=list)
    let_go: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All there is to tell."""
        return (*self.told, *self.released(self.let_go))

    def refused(self, what: str, refused: Refused) -> None:
        """Note that a part of it can't be done."""
        self.refusals.append(f"{what}: {refused.reason}")

    @staticmethod
    def released(method_ids: Sequence[str]) -> tuple[PaymentMethodsReleased, ...]:
        """The facts that these methods are not kept any more."""
        return tuple(PaymentMethodsReleased(method_ids=some) for some in _some(method_ids))


def _some(method_ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for first in range(0, len(method_ids), _AT_ONCE):
        yield tuple(method_ids[first : first + _AT_ONCE])
