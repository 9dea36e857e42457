"""The judge of Stripe's side, shown each way of being wrong."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from handlers.account import Part
from handlers.accounts import ACCOUNT, AccountRecord
from handlers.payment_method import NO_METHODS
from handlers.profiles import NOTHING, PROFILE, Profile
from handlers.stripe_customers import STRIPE_CUSTOMER, StripeCustomer
from handlers.stripe_projection import digest, project
from tests.drills.stripe_check import AGREES, ONE, check_stripe
from topics.accounts import AccountType

State = Mapping[Part[Any], Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT_ID = "a" * 32
RECORD = AccountRecord(AccountType.PAY_GO, 0, 1, None, NOW, NOW)
FIELDS = {"last_name": "Lovelace", "country": "DE", "vat": "DE136695976", "tax_id_type": "eu_vat"}
KEPT = Profile({**NOTHING, **FIELDS}, 1, NOW, NOW)
LINK = StripeCustomer("cus_1", 1, digest(project(ACCOUNT_ID, RECORD, KEPT, NO_METHODS)), NOW)
STATE: State = {ACCOUNT: RECORD, PROFILE: KEPT, STRIPE_CUSTOMER: LINK}
CUSTOMER: dict[str, Any] = {
    "id": "cus_1",
    "name": "Lovelace",
    "email": None,
    "phone": "",
    "address": {
        "line1": None,
        "line2": None,
        "city": None,
        "state": None,
        "postal_code": None,
        "country": "DE",
    },
    "preferred_locales": ["en"],
    "metadata": {"account_id": ACCOUNT_ID, "account_type": "pay_go", "bad_debt": "false"},
}
TAX_ID = {"customer": "cus_1", "type": "eu_vat", "value": "DE136695976"}


def promises(
    customers: list[dict[str, Any]], tax_ids: list[dict[str, Any]], state: State | None = None
) -> set[str]:
    return {
        complaint.promise
        for complaint in check_stripe(customers, tax_ids, {ACCOUNT_ID: STATE if state is None else state})
    }


def test_a_customer_in_step_gives_no_cause_for_complaint() -> None:
    assert promises([CUSTOMER], [TAX_ID]) == set()


def test_an_account_without_a_profile_needs_no_customer() -> None:
    assert promises([], [], {ACCOUNT: RECORD, PROFILE: None, STRIPE_CUSTOMER: None}) == set()


def test_a_profile_without_a_customer_is_noticed() -> None:
    assert promises([], [], {**STATE, STRIPE_CUSTOMER: None}) == {ONE}


def test_a_link_to_a_customer_that_is_not_there_is_noticed() -> None:
    assert promises([], []) == {ONE}


def test_an_orphan_is_noticed() -> None:
    assert promises([CUSTOMER, {**CUSTOMER, "id": "cus_2"}], [TAX_ID]) == {ONE}
    assert promises([CUSTOMER, {**CUSTOMER, "id": "cus_2", "metadata": {}}], [TAX_ID]) == {ONE}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Byron"},
        {"email": "old@example.com"},
        {"address": {**CUSTOMER["address"], "country": "US"}},
        {"preferred_locales": []},
        {"metadata": {**CUSTOMER["metadata"], "bad_debt": "true"}},
    ],
)
def test_a_field_that_is_not_in_step_is_noticed(wrong: dict[str, Any]) -> None:
    assert promises([{**CUSTOMER, **wrong}], [TAX_ID]) == {AGREES}


def test_a_missing_and_a_second_tax_id_are_noticed() -> None:
    assert promises([CUSTOMER], []) == {AGREES}
    assert promises([CUSTOMER], [TAX_ID, TAX_ID]) == {AGREES}


def test_a_stale_memory_of_the_customer_is_noticed() -> None:
    assert promises([CUSTOMER], [TAX_ID], {**STATE, STRIPE_CUSTOMER: replace(LINK, projection="0" * 64)}) == {
        AGREES
    }
