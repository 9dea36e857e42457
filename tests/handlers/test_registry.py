"""What holds for every handler: one per message, the parts it declares, repetition without effect."""

import runpy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import accounts, registry
from handlers.account import Account, Part, PartNotLoadedError
from handlers.accounts import ACCOUNT
from handlers.decision import Applied, Failed, Refused
from handlers.payment_method import PAYMENT_METHODS
from handlers.profiles import PROFILE
from handlers.registry import CAPABILITIES, HANDLERS
from handlers.subscription import SUBSCRIPTIONS
from tests.handlers.worlds import DE, JP, PARTS, US, World, registered, with_profile
from tests.topics.messages import models_of
from topics import parking
from topics.accounts import EraseAccount, LockAccount, SetFlag
from topics.drift import RepairDrift
from topics.message import Kind, Message, Role
from topics.payment_methods import AddPaymentMethod, StartPaymentMethodSetup
from topics.profiles import CreateProfile, DeleteProfile, ReplaceProfile, UpsertProfile
from topics.registry import EXAMPLES, MESSAGE_TYPES
from topics.stripe_customers import LinkStripeCustomer, StripeCustomerShared, SyncStripeCustomer

DECIDED = [model for model in MESSAGE_TYPES.values() if model.kind is not Kind.EVENT]
NOT_REPEATABLE = (
    AddPaymentMethod,
    CreateProfile,
    DeleteProfile,
    EraseAccount,
    RepairDrift,
    StartPaymentMethodSetup,
    SyncStripeCustomer,
)
"""Refused the second time, or asked for anew."""


def test_every_command_and_fact_has_exactly_one_handler_but_those_the_loop_takes_itself() -> None:
    handled = [handler.message for capability in CAPABILITIES for handler in capability.HANDLERS]
    assert len(handled) == len(set(handled))
    assert set(handled) == set(DECIDED) - set(parking.MESSAGES)


def test_a_second_handler_of_a_message_stops_the_process_at_its_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accounts, "HANDLERS", (*accounts.HANDLERS, HANDLERS[DeleteProfile]))
    with pytest.raises(ValueError, match="a message type has two handlers"):
        runpy.run_path(registry.__file__)


def test_an_account_shows_only_the_parts_that_were_loaded() -> None:
    account = Account("0" * 32, {ACCOUNT: None})
    assert account.get(ACCOUNT) is None
    with pytest.raises(PartNotLoadedError, match="'profile' is not among the handler's needs") as error:
        account.get(PROFILE)
    assert error.value.part is PROFILE


def test_a_handler_never_sees_a_part_it_did_not_declare() -> None:
    world = with_profile()
    for handler in HANDLERS.values():
        declared: tuple[Part[Any], ...] = (ACCOUNT, *handler.needs)
        account = Account("0" * 32, {part: world.parts[part] for part in declared})
        undeclared: set[Part[Any]] = set(PARTS) - set(declared)
        for part in undeclared:
            with pytest.raises(PartNotLoadedError):
                account.get(part)


def worlds() -> st.SearchStrategy[World]:
    """Accounts in all their states: unknown, known, with and without profile, in debt, locked, linked."""
    history = st.lists(
        st.sampled_from(
            [
                CreateProfile(**US),
                UpsertProfile(**DE),
                ReplaceProfile(**JP),
                DeleteProfile(),
                SetFlag(flag="bad_debt"),
                LockAccount(reason="r"),
                LinkStripeCustomer(customer_id="cus_A"),
                EXAMPLES[StripeCustomerShared.type],
                EXAMPLES["billing.stripe-customers.synced.v1"],
                EXAMPLES["billing.stripe-customers.sync-failed.v1"],
                LinkStripeCustomer(customer_id="cus_NffrFeUfNV2Hib"),
                EXAMPLES["billing.payment-methods.add.v1"],
                EXAMPLES["billing.payment-methods.stripe-observed.v1"],
                EXAMPLES["billing.payment-methods.setup-observed.v1"],
                EXAMPLES["billing.subscriptions.observed.v1"],
            ]
        ),
        max_size=6,
    )

    def lived(messages: list[Message], known: bool) -> World:
        world = registered() if known else World()
        for message in messages:
            world.tell(message, Role.SUPPORT)
        return world

    return st.builds(lived, history, st.booleans())


@given(data=st.data(), world=worlds(), model=st.sampled_from(list(HANDLERS)), role=st.sampled_from(Role))
def test_every_handler_decides_about_any_message_in_any_state_with_the_parts_it_declares(
    data: st.DataObject, world: World, model: type[Message], role: Role
) -> None:
    decision = world.decide(data.draw(models_of(model)), role)
    assert isinstance(decision, Applied | Refused) or model.kind is Kind.RESULT
    applied = decision.applied if isinstance(decision, Failed) else decision
    if isinstance(applied, Applied):
        declared = {ACCOUNT, *HANDLERS[model].needs}
        assert applied.changes.keys() <= declared
        assert all(value is not None for value in applied.changes.values())
    refused = decision.refused if isinstance(decision, Failed) else decision
    if isinstance(refused, Refused):
        assert refused.message.endswith(".")


@given(data=st.data(), world=worlds(), model=st.sampled_from(list(HANDLERS)))
def test_a_fact_about_a_known_account_is_never_refused(
    data: st.DataObject, world: World, model: type[Message]
) -> None:
    if model.kind is Kind.FACT and world.parts[ACCOUNT] is not None:
        assert isinstance(world.decide(data.draw(models_of(model)), Role.SYSTEM), Applied)


@given(
    data=st.data(), world=worlds(), model=st.sampled_from([m for m in HANDLERS if m not in NOT_REPEATABLE])
)
def test_what_holds_already_is_applied_without_change_or_event(
    data: st.DataObject, world: World, model: type[Message]
) -> None:
    message = data.draw(models_of(model))
    if isinstance(world.tell(message, Role.SUPPORT), Refused):
        return
    again = world.tell(message, Role.SUPPORT)
    if getattr(message, "expected_version", None) and isinstance(again, Refused):
        return
    again = again.applied if isinstance(again, Failed) else again
    assert isinstance(again, Applied)
    assert (again.changes, again.events) == ({}, ())


@given(data=st.data(), world=worlds(), model=st.sampled_from(list(HANDLERS)))
def test_a_decision_is_the_same_each_time(data: st.DataObject, world: World, model: type[Message]) -> None:
    message = data.draw(models_of(model))
    assert world.decide(message, Role.SUPPORT) == world.decide(message, Role.SUPPORT)


@given(data=st.data(), world=worlds(), model=st.sampled_from(list(HANDLERS)))
def test_the_version_of_a_changed_part_rises_by_one(
    data: st.DataObject, world: World, model: type[Message]
) -> None:
    decision = world.decide(data.draw(models_of(model)), Role.SUPPORT)
    applied = decision.applied if isinstance(decision, Failed) else decision
    for part, after in getattr(applied, "changes", {}).items():
        before = world.parts[part]
        if part is PAYMENT_METHODS:
            rows, known = after.methods, before.methods if before else {}
        elif part is SUBSCRIPTIONS:
            rows, known = after.subscriptions, before.subscriptions if before else {}
        else:
            rows, known = {"": after}, {"": before} if before else {}
        for name, row in rows.items():
            if name not in known or row != known[name]:
                assert row.version == (known[name].version if name in known else 0) + 1


def test_the_parts_needed_are_those_of_the_message() -> None:
    assert registry.needs_of(DeleteProfile()) == (PROFILE, SUBSCRIPTIONS)
    assert registry.needs_of(SetFlag(flag="bad_debt")) == ()
