"""Sales as the real SDK makes them: who pays, what the processor says, and what is asked for twice."""

import time
from decimal import Decimal
from typing import Any

import braintree
import pytest
from braintree.exceptions.http.timeout_error import ReadTimeoutError
from braintree.exceptions.not_found_error import NotFoundError
from braintree.exceptions.server_error import ServerError

from tests.braintree_double import BraintreeDouble
from tests.sandbox.braintree_asks import ACCOUNT, AGREEMENT_NONCE, VISA_NONCE, codes, paying, sold

ONE_TIME_NONCE = "fake-paypal-one-time-nonce"


def test_paypal_pays_at_once_by_the_agreement(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    paying(gateway)
    made = sold(gateway, "29.9", order_id="invoice-1", transaction_source="recurring").transaction
    assert (made.status, made.amount, made.currency_iso_code) == ("settling", Decimal("29.90"), "USD")
    assert (made.order_id, made.recurring, made.processor_response_code) == ("invoice-1", True, "1000")
    assert (made.customer_details.id, made.customer_details.email) == (ACCOUNT, "a@example.com")
    paypal = made.paypal_details
    agreement = gateway.payment_method.find("t1").billing_agreement_id
    assert (paypal.token, paypal.payer_email, paypal.billing_agreement_id) == (
        *("t1", "jane.doe@paypal.com", agreement),
    )
    assert paypal.authorization_id.startswith("AUTH-")
    assert paypal.capture_id.startswith("CAPTURE-")
    assert [one.status for one in made.status_history] == [
        *("authorized", "submitted_for_settlement", "settling"),
    ]
    found = gateway.transaction.find(made.id)
    assert (found.status, found.amount, found.created_at) == ("settling", made.amount, made.created_at)


def test_a_card_waits_for_the_next_batch(gateway: braintree.BraintreeGateway) -> None:
    paying(gateway, VISA_NONCE)
    made = sold(gateway).transaction
    assert (made.status, made.payment_instrument_type) == ("submitted_for_settlement", "credit_card")
    assert (made.credit_card_details.last_4, made.credit_card_details.token) == ("1881", "t1")


def test_a_customer_pays_by_its_default(gateway: braintree.BraintreeGateway) -> None:
    paying(gateway)
    made = sold(gateway, customer_id=ACCOUNT, submit=False).transaction
    assert (made.status, made.paypal_details.token) == ("authorized", "t1")


@pytest.mark.parametrize("nonce", [AGREEMENT_NONCE, ONE_TIME_NONCE, VISA_NONCE])
def test_a_nonce_pays_without_the_vault(gateway: braintree.BraintreeGateway, nonce: str) -> None:
    made = sold(gateway, payment_method_nonce=nonce).transaction
    assert made.status in ("settling", "submitted_for_settlement")
    assert made.customer_details.id is None
    assert made.credit_card_details.token is None


def test_a_nonce_of_a_page_pays_once(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    nonce = braintree_double.driver.nonce(type="paypal_one_time")
    assert sold(gateway, payment_method_nonce=nonce).is_success
    assert codes(sold(gateway, payment_method_nonce=nonce)) == ["91564"]


@pytest.mark.parametrize(
    ("amount", "status", "code", "text", "type"),
    [
        ("2000.00", "processor_declined", "2000", "Do Not Honor", "soft_declined"),
        ("2001.50", "processor_declined", "2001", "Insufficient Funds", "soft_declined"),
        ("2074.00", "processor_declined", "2074", "Funding Instrument", "hard_declined"),
        ("2500.00", "processor_declined", "2500", "Processor Declined", "soft_declined"),
        ("3000.00", "failed", "3000", "Processor Network Unavailable - Try Again", "soft_declined"),
        ("5001.01", "processor_declined", "2038", "Processor Declined", "soft_declined"),
    ],
)
def test_amounts_of_the_sandbox_decide_the_answer(
    gateway: braintree.BraintreeGateway, amount: str, status: str, code: str, text: str, type: str
) -> None:
    paying(gateway)
    result = sold(gateway, amount)
    assert not result.is_success
    assert result.errors.deep_errors == []
    made = result.transaction
    assert (made.status, made.processor_response_code, made.processor_response_type) == (status, code, type)
    assert made.processor_response_text.startswith(text)
    assert result.message == made.processor_response_text
    assert gateway.transaction.find(made.id).status == status


def test_a_revocation_that_nobody_was_told_of_is_found_by_the_charge(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    paying(gateway)
    braintree_double.driver.revoke("t1", silently=True)
    assert gateway.payment_method.find("t1").revoked_at is None
    assert braintree_double.driver.deliveries() == []
    made = sold(gateway).transaction
    assert (made.status, made.processor_response_code) == ("processor_declined", "2070")
    assert made.processor_response_type == "hard_declined"


def test_an_agreement_that_is_known_to_be_revoked_is_declined_too(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    paying(gateway)
    braintree_double.driver.revoke("t1")
    assert gateway.payment_method.find("t1").revoked_at is not None
    assert sold(gateway).transaction.processor_response_code == "2070"


def test_paypal_declines_for_as_long_as_it_is_told_to(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    paying(gateway)
    braintree_double.driver.decline("t1", "2074")
    assert sold(gateway).transaction.processor_response_code == "2074"
    braintree_double.driver.decline("t1", None)
    assert sold(gateway).is_success


def test_an_equal_sale_within_half_a_minute_is_a_duplicate(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    paying(gateway)
    assert sold(gateway, order_id="one").is_success
    again = sold(gateway, order_id="one")
    assert again.message == "Gateway Rejected: duplicate"
    assert (again.transaction.status, again.transaction.gateway_rejection_reason) == (
        *("gateway_rejected", "duplicate"),
    )
    for other in ({"order_id": "two"}, {"order_id": "one", "amount": "10.01"}, {}):
        assert sold(gateway, **other).is_success
    braintree_double.driver.settings(clock_offset=31)
    assert sold(gateway, order_id="one").is_success


def test_the_payer_makes_a_duplicate_and_a_decline_does_not(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    """Payers are told apart by their e-mail address, not by the token."""
    methods = [
        {"token": token, "customer_id": ACCOUNT, "email": email}
        for token, email in (("t1", "x@example.com"), ("t2", "x@example.com"), ("t3", "y@example.com"))
    ]
    braintree_double.driver.fill(customers=[{"id": ACCOUNT}], methods=methods)
    braintree_double.driver.decline("t1", "2001")
    assert not sold(gateway, order_id="one").is_success
    assert sold(gateway, order_id="one", payment_method_token="t2").is_success
    braintree_double.driver.decline("t1", None)
    assert sold(gateway, order_id="one").transaction.gateway_rejection_reason == "duplicate"
    assert sold(gateway, order_id="one", payment_method_token="t3").is_success


def test_the_check_for_duplicates_can_be_switched_off(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    paying(gateway)
    braintree_double.driver.settings(duplicate_seconds=0)
    assert sold(gateway, order_id="one").is_success
    assert sold(gateway, order_id="one").is_success


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"amount": ""}, "81502"),
        ({"amount": "ten"}, "81503"),
        ({"amount": "1.005"}, "81503"),
        ({"amount": "-1.00"}, "81501"),
        ({"amount": "0.00"}, "81531"),
        ({"amount": "99999999999.00"}, "81528"),
        ({"order_id": "x" * 256}, "91501"),
        ({"payment_method_token": "nobody"}, "91518"),
        ({"customer_id": "nobody"}, "91510"),
        ({"customer_id": "empty"}, "91511"),
        ({"customer_id": "empty", "payment_method_token": "t1"}, "91516"),
        ({"payment_method_nonce": "nobody"}, "91565"),
        ({"payment_method_nonce": "fake-consumed-nonce"}, "91564"),
        ({"payment_method_token": None}, "91508"),
        ({"payment_method_token": "t1", "payment_method_nonce": VISA_NONCE}, "91515"),
        ({"merchant_account_id": "nobody"}, "91513"),
        ({"transaction_source": "nobody"}, "915133"),
        ({"api_request_key": "k"}, "915231"),
        ({"payment_method_token": "t1", "options": {"store_in_vault_on_success": True}}, "91525"),
    ],
)
def test_what_can_t_be_sold_says_why_and_leaves_no_transaction(
    gateway: braintree.BraintreeGateway,
    braintree_double: BraintreeDouble,
    given: dict[str, Any],
    code: str,
) -> None:
    paying(gateway)
    gateway.customer.create({"id": "empty"})
    usual = {} if {"customer_id", "payment_method_nonce"} & set(given) else {"payment_method_token": "t1"}
    result = gateway.transaction.sale({"amount": "10.00", **usual, **given})
    assert codes(result) == [code]
    assert result.transaction is None
    assert braintree_double.driver.transactions() == []


def test_credits_and_unknown_transactions_are_refused(gateway: braintree.BraintreeGateway) -> None:
    paying(gateway)
    assert codes(gateway.transaction.credit({"amount": "1.00", "payment_method_token": "t1"})) == ["91546"]
    for ask in (gateway.transaction.find, gateway.transaction.void, gateway.transaction.refund):
        with pytest.raises(NotFoundError):
            ask("nobody")


@pytest.mark.parametrize(
    ("fault", "error", "made"),
    [
        ("timeout_before", ReadTimeoutError, 0),
        ("timeout_after_effect", ReadTimeoutError, 1),
        ("error_500_before", ServerError, 0),
        ("error_500_after_effect", ServerError, 1),
        ("slow", ReadTimeoutError, 1),
    ],
)
def test_a_sale_meets_faults_and_is_found_by_its_order(
    gateway: braintree.BraintreeGateway,
    braintree_double: BraintreeDouble,
    fault: str,
    error: type[Exception],
    made: int,
) -> None:
    paying(gateway)
    gateway.config.timeout = 0.5
    braintree_double.driver.fault(fault, method="POST", path="/transactions$")
    with pytest.raises(error):
        sold(gateway, order_id="invoice-1")
    gateway.config.timeout = 5
    if fault == "slow":
        _wait_for(braintree_double)
    found = gateway.transaction.search(braintree.TransactionSearch.order_id == "invoice-1")
    assert len(list(found.items)) == made


def _wait_for(double: BraintreeDouble) -> None:
    """A slow sale is done after its caller has left."""
    for _ in range(100):
        if double.driver.transactions():
            return
        time.sleep(0.05)
