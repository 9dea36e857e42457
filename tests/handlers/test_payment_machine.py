"""Any history of pages, commands, relinks and erasures, with everything under way at its own pace."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from handlers.collection_method import derived
from handlers.open_setups import waiting
from handlers.payment_method import at, ladder, living
from tests.handlers.payment_processors import OPEN, Surroundings
from tests.handlers.payment_worlds import CUSTOMER, kept
from topics.accounts import EraseAccount
from topics.message import Role
from topics.payment_methods import (
    AddPaymentMethod,
    CollectionMethod,
    MethodKind,
    MethodState,
    Processor,
    RemovePaymentMethod,
    SetDefaultPaymentMethod,
    StartPaymentMethodSetup,
)
from topics.stripe_customers import LinkStripeCustomer

OTHER = "cus_B"
LIMIT = 2
ANY = st.integers(0, 50)


class Histories(RuleBasedStateMachine):
    """One account that pays, or tries to."""

    def __init__(self) -> None:
        super().__init__()
        self.around = Surroundings()
        self.relinked = False
        self.before_erasure: set[str | None] = set()
        """Setups that were open at an erasure, and methods that were there or came of them."""

    @rule()
    def ask_for_a_setup(self) -> None:
        self.around.tell(StartPaymentMethodSetup())

    @rule(default=st.booleans())
    def add_card(self, default: bool) -> None:
        reference = self.around.new_method()
        self.around.tell(
            AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD, payment_method=reference, default=default)
        )

    @rule(default=st.booleans())
    def add_paypal(self, default: bool) -> None:
        self.around.tell(AddPaymentMethod(method_kind=MethodKind.PAYPAL, default=default))

    @precondition(lambda self: self.around.pages)
    @rule(which=ANY)
    def name_a_setup(self, which: int) -> None:
        intent = self.around.pages[which % len(self.around.pages)]
        self.before_erasure -= {intent, self.around.intents[intent].method}
        self.around.tell(AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD, setup_intent=intent))

    @precondition(lambda self: bool(kept(self.around.world).methods))
    @rule(which=ANY, chosen=st.booleans())
    def remove_or_choose(self, which: int, chosen: bool) -> None:
        known = sorted(kept(self.around.world).methods)
        method_id = known[which % len(known)]
        command = SetDefaultPaymentMethod if chosen else RemovePaymentMethod
        self.around.tell(command(method_id=method_id))

    @precondition(lambda self: self.around.pages)
    @rule(which=ANY)
    def complete_a_page(self, which: int) -> None:
        intent = self.around.pages[which % len(self.around.pages)]
        self.around.complete(intent)
        if intent in self.before_erasure:
            self.before_erasure.add(self.around.intents[intent].method)

    @rule()
    def relink(self) -> None:
        there = OTHER if self.around.customer == CUSTOMER else CUSTOMER
        command = LinkStripeCustomer(customer_id=there, expected_customer_id=self.around.customer)
        self.around.tell(command, Role.SUPPORT)
        self.relinked = True

    @rule()
    def erase(self) -> None:
        self.before_erasure |= {*self.around.intents, *self.around.owners}
        self.around.tell(EraseAccount(reason="asked"), Role.SUPPORT)

    @precondition(lambda self: self.around.owed)
    @rule()
    def perform(self) -> None:
        self.around.perform()

    @precondition(lambda self: self.around.vault)
    @rule()
    def perform_in_vault(self) -> None:
        self.around.perform_in_vault()

    @precondition(lambda self: self.around.results)
    @rule()
    def conclude(self) -> None:
        self.around.conclude()

    @precondition(lambda self: self.around.facts)
    @rule()
    def hear(self) -> None:
        self.around.tell(self.around.facts.pop(0), Role.SYSTEM)

    @precondition(lambda self: self.around.webhooks)
    @rule(which=ANY, lost=st.booleans())
    def hear_a_webhook(self, which: int, lost: bool) -> None:
        place = which % len(self.around.webhooks)
        if lost and self.around.webhooks[place][0] != self.around.customer:
            self.around.webhooks.pop(place)
        else:
            self.around.deliver(place)

    @precondition(lambda self: self.around.deadlines)
    @rule(which=ANY)
    def deadline_passes(self, which: int) -> None:
        self.around.deadline_passes(which % len(self.around.deadlines))

    @rule()
    def come_to_rest(self) -> None:
        self.around.sweep()
        self._at_rest()

    def teardown(self) -> None:
        self.around.sweep()
        self._at_rest()

    def _at_rest(self) -> None:
        around, methods = self.around, kept(self.around.world)
        open_ones = {intent for intent, one in around.intents.items() if one.status == OPEN}
        setups = {one.setup_intent for one in waiting(around.world.customer.setups)}
        pending = {one.setup_intent for one in living(methods) if one.state is MethodState.PENDING_SETUP}
        assert open_ones <= setups | pending, "a page can still be completed of which nobody knows"
        assert {around.intents[one].customer for one in open_ones} <= {around.customer}
        attached = {reference for reference, owner in around.owners.items() if owner == around.customer}
        active = {
            one.details.reference for one in ladder(methods) if one.details.processor is Processor.STRIPE
        }
        assert active == attached
        assert all(one.released for one in at(methods, Processor.STRIPE) if one.gone)
        assert not active & self.before_erasure
        if not self.relinked:
            assert len(living(methods)) + len(setups - pending) <= LIMIT

    @invariant()
    def there_is_one_default_while_any_is_active(self) -> None:
        methods = kept(self.around.world)
        defaults = [one for one in methods.methods.values() if one.default]
        assert len(defaults) == (1 if ladder(methods) else 0)
        assert all(one.state is MethodState.ACTIVE for one in defaults)

    @invariant()
    def invoices_are_sent_while_paypal_is_active(self) -> None:
        methods = kept(self.around.world)
        paypal = any(one.details.kind is MethodKind.PAYPAL for one in ladder(methods))
        wanted = CollectionMethod.SEND_INVOICE if paypal else CollectionMethod.CHARGE_AUTOMATICALLY
        assert derived(methods).value is wanted


TestHistories = pytest.mark.timeout(120)(Histories.TestCase)
TestHistories.settings = settings(
    max_examples=100, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow]
)
