"""An account between its pages and Stripe: what it owes is performed, what comes of it is told, each when it likes.

Stripe is a few dictionaries. What is owed to it is performed in order; results and facts travel on lanes of their own,
each in order; webhooks come in any order, to the account whose customer it is by then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handlers import payment_effects as kinds
from handlers.decision import Applied, EffectRequest, Failed
from handlers.open_setups import AUTHENTICATION
from handlers.payment_method import PaymentMethod, at, first_at
from tests.handlers.payment_worlds import agreement, card, kept, linked
from tests.handlers.worlds import World
from topics.message import Fact, Message, Result, Role
from topics.observation import Observation
from topics.payment_methods import (
    MethodDetails,
    MethodState,
    PaymentMethodActionRequired,
    PaymentMethodDeclined,
    PaymentMethodsReleased,
    PaymentMethodVaulted,
    Processor,
    SetupDeadlinePassed,
    SetupIntentObserved,
    SetupStarted,
    StripeMethodObserved,
)

ACTIVE, EXPIRED = MethodState.ACTIVE, MethodState.EXPIRED
OPEN, SUCCEEDED, CANCELED = "open", "succeeded", "canceled"


@dataclass
class Intent:
    """A setup intent. `method` is what it is confirmed with, as soon as that is known."""

    customer: str
    status: str = OPEN
    method: str | None = None


@dataclass
class Surroundings:
    """One account, its work and everything that is under way to it."""

    world: World = field(default_factory=linked)
    intents: dict[str, Intent] = field(default_factory=dict)
    owners: dict[str, str | None] = field(default_factory=dict)
    """Of Stripe's payment methods."""
    made: dict[str, MethodDetails] = field(default_factory=dict)
    owed: list[EffectRequest] = field(default_factory=list)
    vault: list[EffectRequest] = field(default_factory=list)
    deadlines: list[str] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    webhooks: list[tuple[str, Fact]] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    """Setup intents whose secret was handed over."""

    @property
    def customer(self) -> str:
        """The account's customer."""
        linked_to = self.world.customer.customer_id
        assert linked_to is not None
        return linked_to

    def tell(self, message: Message, role: Role = Role.CUSTOMER) -> Any:
        """Have it decided; what it owes is owed. Gives what the caller is told, None when it is refused."""
        decision = self.world.tell(message, role)
        applied = decision.applied if isinstance(decision, Failed) else decision
        if not isinstance(applied, Applied):
            return None
        for effect in applied.effects:
            self._owe(effect)
        return applied.result if isinstance(decision, Applied) else None

    def _owe(self, effect: EffectRequest) -> None:
        if effect.kind == kinds.SETUP_DEADLINE:
            self.deadlines.append(str(effect.payload["setup_intent"]))
            return
        queue = self.vault if effect.target == kinds.BRAINTREE else self.owed
        for place, other in enumerate(queue):
            if effect.coalesce and (other.kind, other.coalesce) == (effect.kind, effect.coalesce):
                merged = {**other.payload, **effect.payload}
                queue[place] = EffectRequest(effect.kind, effect.target, effect.coalesce, merged)
                return
        queue.append(effect)

    def new_method(self) -> str:
        """A card that nobody has yet."""
        reference = f"pm_{len(self.owners) + 1}"
        self.owners[reference] = None
        self.made[reference] = card(reference, created_at=self.world.now)
        return reference

    def complete(self, intent_id: str) -> None:
        """The customer fills in the page, or answers its bank; if it is in time."""
        intent = self.intents[intent_id]
        if intent.status == OPEN:
            intent.status, intent.method = SUCCEEDED, intent.method or self.new_method()
            self._attach(intent.method, intent.customer)
            word = SetupIntentObserved(setup_intent=intent_id, seen=self._event())
            self.webhooks.append((intent.customer, word))

    def _attach(self, reference: str, customer: str) -> None:
        self.owners[reference] = customer
        self._word_of(reference, customer, customer)

    def _word_of(self, reference: str, customer: str, owner: str | None) -> None:
        self.webhooks.append((customer, self._shown(reference, owner, self._event())))

    def _shown(self, reference: str, owner: str | None, seen: Observation) -> StripeMethodObserved:
        return StripeMethodObserved(details=self.made[reference], customer_id=owner, seen=seen)

    def _event(self) -> Observation:
        return Observation(at=self.world.now, event_id=f"evt_{len(self.webhooks)}_{self.world.now:%d%H%M}")

    def _reading(self) -> Observation:
        return Observation(at=self.world.now)

    def deliver(self, place: int) -> None:
        """One webhook arrives, once more perhaps later; it is of use to whoever has its customer."""
        customer, fact = self.webhooks.pop(place)
        if customer == self.customer:
            self.tell(fact, Role.SYSTEM)

    def conclude(self) -> None:
        """The next result is decided about; a secret is of use to its page from then on."""
        result = self.results.pop(0)
        told = self.tell(result, Role.SYSTEM)
        if isinstance(result, SetupStarted | PaymentMethodActionRequired) and told:
            self.pages.append(result.setup_intent)

    def perform(self) -> None:
        """The oldest piece of work that is owed to Stripe."""
        effect = self.owed.pop(0)
        payload = effect.payload
        match effect.kind:
            case kinds.START_SETUP:
                intent = self._intent(Intent(self.customer))
                self.results.append(
                    SetupStarted(
                        setup_intent=intent,
                        deadline=self.world.now + AUTHENTICATION,
                        setup_id=payload["setup_id"],
                        customer_id=self.customer,
                    )
                )
            case kinds.READ_SETUP:
                self.facts.append(self._read_setup(payload))
            case kinds.READ_METHOD:
                reference = str(payload["payment_method"])
                self.facts.append(self._shown(reference, self.owners[reference], self._reading()))
            case kinds.ATTACH_METHOD:
                self.results.append(self._attached(payload))
            case kinds.ALIGN_STRIPE:
                self._align()

    def _intent(self, intent: Intent) -> str:
        intent_id = f"seti_{len(self.intents) + 1}"
        self.intents[intent_id] = intent
        return intent_id

    def _read_setup(self, payload: Mapping[str, Any]) -> SetupIntentObserved:
        intent_id = str(payload["setup_intent"])
        intent, seen = self.intents[intent_id], self._reading()
        if intent.status == OPEN and (payload.get("release") or payload.get("overdue")):
            intent.status = CANCELED
        if intent.status == OPEN and intent.customer == self.customer:
            return SetupIntentObserved(setup_intent=intent_id, seen=seen)
        mine = intent.method is not None and self.owners[intent.method] == self.customer
        if intent.status != SUCCEEDED or intent.customer != self.customer or not mine:
            return SetupIntentObserved(setup_intent=intent_id, seen=seen, closed=True)
        assert intent.method is not None
        return SetupIntentObserved(
            setup_intent=intent_id, seen=seen, details=self.made[intent.method], customer_id=self.customer
        )

    def _attached(self, payload: Mapping[str, Any]) -> Result:
        method_id = str(payload["method_id"])
        if self._row(method_id).gone:
            return _declined(method_id)
        if named := payload.get("setup_intent"):
            intent = self.intents[str(named)]
            kept_there = intent.method is not None and self.owners[intent.method] == self.customer
            if intent.customer != self.customer or intent.status != SUCCEEDED or not kept_there:
                return _declined(method_id)
            assert intent.method is not None
            return self._vaulted(method_id, intent.method)
        reference = str(payload["payment_method"])
        if self.owners[reference] not in (None, self.customer):
            return _declined(method_id)
        if int(reference.removeprefix("pm_")) % 3 == 0:
            asked = self._intent(Intent(self.customer, method=reference))
            return PaymentMethodActionRequired(
                method_id=method_id,
                setup_intent=asked,
                deadline=self.world.now + AUTHENTICATION,
                customer_id=self.customer,
            )
        self._attach(reference, self.customer)
        return self._vaulted(method_id, reference)

    def _vaulted(self, method_id: str, reference: str) -> PaymentMethodVaulted:
        return PaymentMethodVaulted(
            method_id=method_id,
            details=self.made[reference],
            seen=self._reading(),
            customer_id=self.customer,
        )

    def _row(self, method_id: str) -> PaymentMethod:
        return kept(self.world).methods[method_id]

    def _align(self) -> None:
        methods = kept(self.world)
        first = first_at(methods, Processor.STRIPE)
        if first and self.owners[first.details.reference] != self.customer:
            reference = first.details.reference
            self.facts.append(self._shown(reference, self.owners[reference], self._reading()))
        let_go = [one for one in at(methods, Processor.STRIPE) if one.gone and not one.released]
        for one in let_go:
            held = self._to_detach(one.details.reference)
            row = methods.referred(held) if held else None
            if held and (row is None or row.gone) and self.owners[held] == self.customer:
                self.owners[held] = None
                self._word_of(held, self.customer, None)
        if let_go:
            self.facts.append(PaymentMethodsReleased(method_ids=tuple(one.id for one in let_go)))

    def _to_detach(self, reference: str) -> str | None:
        """The method itself, or what came of a setup, which is cancelled otherwise."""
        intent = self.intents.get(reference)
        if intent is None:
            return reference
        if intent.status == OPEN and intent.customer == self.customer:
            intent.status = CANCELED
        return intent.method if intent.status == SUCCEEDED else None

    def perform_in_vault(self) -> None:
        """The oldest piece of work that is owed to Braintree."""
        effect = self.vault.pop(0)
        if effect.kind == kinds.VAULT_PAYPAL:
            method_id = str(effect.payload["method_id"])
            if self._row(method_id).gone:
                self.results.append(_declined(method_id))
            else:
                details, seen = agreement(method_id), self._reading()
                self.results.append(PaymentMethodVaulted(method_id=method_id, details=details, seen=seen))
        elif effect.kind == kinds.ALIGN_BRAINTREE:
            rows = at(kept(self.world), Processor.BRAINTREE)
            if gone := tuple(one.id for one in rows if one.gone and not one.released):
                self.facts.append(PaymentMethodsReleased(method_ids=gone))

    def deadline_passes(self, place: int) -> None:
        """The time of a setup is over."""
        self.tell(SetupDeadlinePassed(setup_intent=self.deadlines.pop(place)), Role.SYSTEM)

    def come_to_rest(self) -> None:
        """Everything that is owed is performed, and all word of it arrives."""
        for _ in range(500):
            if self.results:
                self.conclude()
            elif self.facts:
                self.tell(self.facts.pop(0), Role.SYSTEM)
            elif self.owed:
                self.perform()
            elif self.vault:
                self.perform_in_vault()
            elif self.webhooks:
                self.deliver(0)
            else:
                return
        raise AssertionError("it does not come to rest")

    def sweep(self) -> None:
        """Whatever Stripe keeps for the customer is read, as a repair does, and what follows is done."""
        self.come_to_rest()
        for reference, owner in list(self.owners.items()):
            row = kept(self.world).referred(reference)
            if owner == self.customer or (row is not None and row.state in (ACTIVE, EXPIRED)):
                self.tell(self._shown(reference, owner, self._reading()), Role.SYSTEM)
        self.come_to_rest()


def _declined(method_id: str) -> PaymentMethodDeclined:
    return PaymentMethodDeclined(method_id=method_id, code="no", reason="No.", permanent=True)
