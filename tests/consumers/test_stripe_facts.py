"""What Stripe's objects are told as."""

from datetime import UTC, datetime
from typing import Any

import pytest

from consumers.stripe_facts import told
from topics.observation import Observation
from topics.payment_methods import (
    CollectionMethod,
    MethodKind,
    SetupIntentObserved,
    StripeCustomerObserved,
    StripeMethodObserved,
)
from topics.subscriptions import SubscriptionObserved, SubscriptionStatus

SEEN = Observation(at=datetime(2026, 11, 24, 9, 30, tzinfo=UTC), event_id="evt_1")
KINDS: list[tuple[str, MethodKind, dict[str, Any], dict[str, Any]]] = [
    (
        "card",
        MethodKind.CREDIT_CARD,
        {
            "last4": "4242",
            "brand": "visa",
            "exp_month": 12,
            "exp_year": 2030,
            "wallet": {"type": "apple_pay"},
        },
        {"last_four": "4242", "brand": "visa", "exp_month": 12, "exp_year": 2030, "wallet": "apple_pay"},
    ),
    (
        "sepa_debit",
        MethodKind.SEPA_DEBIT,
        {"last4": "3000", "bank_code": "37040044", "country": "DE"},
        {"last_four": "3000", "bank_code": "37040044", "bank_country": "DE"},
    ),
    (
        "us_bank_account",
        MethodKind.ACH_DIRECT_DEBIT,
        {
            "last4": "6789",
            "bank_name": "STRIPE BANK",
            "routing_number": "110000000",
            "account_type": "checking",
        },
        {"last_four": "6789", "bank_name": "STRIPE BANK", "bank_code": "110000000", "bank_country": "US"},
    ),
    ("cashapp", MethodKind.CASHAPP, {"cashtag": "$ada"}, {"cashtag": "$ada"}),
    ("link", MethodKind.LINK, {"email": "ada@example.com"}, {"payer_email": "ada@example.com"}),
]


def method(kind: str, shown: dict[str, Any], customer: Any = "cus_1") -> dict[str, Any]:
    return {
        "object": "payment_method",
        "id": "pm_1",
        "type": kind,
        "created": 0,
        "customer": customer,
        kind: shown,
    }


@pytest.mark.parametrize(("kind", "known", "shown", "expected"), KINDS)
def test_each_kind_of_method_says_what_it_shows(
    kind: str, known: MethodKind, shown: dict[str, Any], expected: dict[str, Any]
) -> None:
    fact = told("payment_method.attached", method(kind, shown), SEEN)
    assert isinstance(fact, StripeMethodObserved)
    details = fact.details.model_dump()
    assert (fact.details.kind, fact.customer_id) == (known, "cus_1")
    assert {name: details[name] for name in expected} == expected


def test_a_detached_method_belongs_to_nobody() -> None:
    fact = told("payment_method.detached", method("card", {"last4": "4242"}, None), SEEN)
    assert isinstance(fact, StripeMethodObserved)
    assert fact.customer_id is None


def test_kinds_that_are_not_taken_are_nothing_to_tell() -> None:
    assert told("payment_method.attached", method("ideal", {}), SEEN) is None
    assert told("invoice.paid", {"object": "invoice", "id": "in_1"}, SEEN) is None


@pytest.mark.parametrize(
    ("status", "error", "closed"),
    [
        ("requires_action", None, False),
        ("requires_payment_method", None, False),
        ("canceled", None, True),
        ("succeeded", None, False),
    ],
)
def test_a_setup_is_closed_when_nothing_can_come_of_it(
    status: str, error: dict[str, str] | None, closed: bool
) -> None:
    body = {"object": "setup_intent", "id": "seti_1", "status": status, "last_setup_error": error}
    fact = told("setup_intent.any", body, SEEN)
    assert fact == SetupIntentObserved(setup_intent="seti_1", seen=SEEN, closed=closed)


def test_a_setup_whose_attempt_failed_says_why_and_goes_on() -> None:
    error = {"code": "setup_intent_authentication_failure"}
    body = {"object": "setup_intent", "id": "seti_1", "status": "requires_payment_method"}
    fact = told("setup_intent.setup_failed", {**body, "last_setup_error": error}, SEEN)
    assert isinstance(fact, SetupIntentObserved)
    assert (fact.closed, fact.failure) == (False, "The payment method could not be authenticated.")


def test_a_deleted_customer_has_no_default_any_more() -> None:
    body = {
        "object": "customer",
        "id": "cus_1",
        "created": 0,
        "invoice_settings": {"default_payment_method": "pm_1"},
    }
    there = told("customer.updated", body, SEEN)
    gone = told("customer.deleted", body, SEEN)
    assert there == StripeCustomerObserved(customer_id="cus_1", default_payment_method="pm_1", seen=SEEN)
    assert gone == StripeCustomerObserved(
        customer_id="cus_1", default_payment_method=None, deleted=True, seen=SEEN
    )


@pytest.mark.parametrize("value", ["true", "True", "yes", ""])
@pytest.mark.parametrize("place", ["price", "item", "subscription"])
def test_a_domain_is_what_its_seller_marks_so(place: str, value: str) -> None:
    marked = {"metadata": {"registrar": value}}
    price = {"id": "price_1", **(marked if place == "price" else {})}
    item = {"id": "si_1", "price": price, **(marked if place == "item" else {})}
    body: dict[str, Any] = {
        "object": "subscription",
        "id": "sub_1",
        "customer": "cus_1",
        "status": "active",
        "collection_method": "charge_automatically",
        "items": {"data": [item, {"id": "si_2", "price": {"id": "price_2"}}]},
        **(marked if place == "subscription" else {}),
    }
    fact = told("customer.subscription.updated", body, SEEN)
    assert isinstance(fact, SubscriptionObserved)
    domain, other = (one.registrar for one in fact.items)
    assert domain is (value == "true")
    assert other is (value == "true" and place == "subscription")


@pytest.mark.parametrize("whose", ["item", "subscription"])
def test_a_subscription_is_told_with_its_items_and_their_periods(whose: str) -> None:
    period = {"current_period_start": 0, "current_period_end": 86_400}
    item: dict[str, Any] = {
        "id": "si_1",
        "quantity": 2,
        "price": {
            "id": "price_1",
            "product": {"id": "prod_1"},
            "unit_amount": 2000,
            "currency": "usd",
            "recurring": {"usage_type": "metered"},
            "metadata": {"registrar": "true"},
        },
    }
    body: dict[str, Any] = {
        "object": "subscription",
        "id": "sub_1",
        "customer": {"id": "cus_1"},
        "status": "active",
        "collection_method": "send_invoice",
        "days_until_due": 7,
        "items": {"data": [item]},
    }
    (item if whose == "item" else body).update(period)
    fact = told("customer.subscription.updated", body, SEEN)
    assert isinstance(fact, SubscriptionObserved)
    (found,) = fact.items
    assert (fact.customer_id, fact.status) == ("cus_1", SubscriptionStatus.ACTIVE)
    assert (fact.collection_method, fact.days_until_due) == (CollectionMethod.SEND_INVOICE, 7)
    assert (found.product, found.unit_amount, found.metered, found.registrar) == ("prod_1", 2000, True, True)
    assert found.period_start == datetime(1970, 1, 1, tzinfo=UTC)
    assert found.period_end == datetime(1970, 1, 2, tzinfo=UTC)


def test_an_object_that_is_not_as_documented_is_an_error_and_not_a_fact() -> None:
    with pytest.raises((LookupError, TypeError, ValueError)):
        told("customer.subscription.updated", {"object": "subscription", "id": "sub_1"}, SEEN)
