"""What becomes of a sale: settled, pending, declined, voided, refunded, by time or because somebody says so."""

from decimal import Decimal

import braintree
import pytest

from tests.braintree_double import BraintreeDouble
from tests.sandbox.braintree_asks import VISA_NONCE, codes, paying, sold

HOUR, DAY = 3600, 86_400


def test_time_settles(gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble) -> None:
    paying(gateway)
    made = sold(gateway).transaction
    braintree_double.driver.settings(clock_offset=2 * HOUR)
    found = gateway.transaction.find(made.id)
    assert (found.status, found.processor_settlement_response_code) == ("settled", "4000")
    assert [one.status for one in found.status_history][-2:] == ["settling", "settled"]


def test_time_settles_cards_and_ends_authorizations_that_nobody_took(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    paying(gateway, VISA_NONCE)
    submitted, left = sold(gateway, "1.00").transaction, sold(gateway, "2.00", submit=False).transaction
    braintree_double.driver.settings(clock_offset=8 * DAY)
    statuses = [gateway.transaction.find(one.id).status for one in (submitted, left)]
    assert statuses == ["settled", "authorization_expired"]


@pytest.mark.parametrize(
    ("amount", "status", "code"),
    [
        ("4001.00", "settlement_declined", "4001"),
        ("4002.00", "settlement_pending", "4002"),
        ("4005.00", "settlement_declined", "4005"),
        ("4999.00", "settlement_declined", "4001"),
    ],
)
def test_paypal_refuses_to_settle_some_amounts_in_an_answer_that_is_a_success(
    gateway: braintree.BraintreeGateway, amount: str, status: str, code: str
) -> None:
    paying(gateway)
    result = sold(gateway, amount)
    assert result.is_success
    assert (result.transaction.status, result.transaction.processor_settlement_response_code) == (
        *(status, code),
    )


def test_a_settlement_can_end_as_somebody_says(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    paying(gateway)
    first, second, third = (sold(gateway, f"{n}.00").transaction.id for n in (1, 2, 3))
    assert braintree_double.driver.settle(first)["status"] == "settled"
    told = braintree_double.driver.settle(second, outcome="settlement_declined", code="4005")
    assert told["processor_settlement_response_text"] == "PayPal Risk Rejected"
    assert gateway.testing.settlement_pending_transaction(third).transaction.status == "settlement_pending"
    assert gateway.testing.settle_transaction(third).transaction.status == "settled"
    assert codes(gateway.testing.settle_transaction(third)) == ["91575"]
    assert braintree_double.driver.deliveries() == []


def test_an_authorization_is_submitted_for_no_more_than_it_was(gateway: braintree.BraintreeGateway) -> None:
    paying(gateway)
    made = sold(gateway, "20.00", submit=False).transaction
    assert codes(gateway.transaction.submit_for_settlement(made.id, "20.01")) == ["91522"]
    taken = gateway.transaction.submit_for_settlement(made.id, "15.00").transaction
    assert (taken.status, taken.amount) == ("settling", Decimal("15.00"))
    assert codes(gateway.transaction.submit_for_settlement(made.id)) == ["91507"]


def test_what_is_not_settling_yet_can_be_voided(gateway: braintree.BraintreeGateway) -> None:
    paying(gateway)
    held, gone = sold(gateway, "1.00", submit=False).transaction, sold(gateway, "2.00").transaction
    assert gateway.transaction.void(held.id).transaction.status == "voided"
    assert codes(gateway.transaction.void(held.id)) == ["91504"]
    assert codes(gateway.transaction.void(gone.id)) == ["91504"]


def test_money_goes_back_in_pieces_and_never_more_than_came(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    paying(gateway)
    made = sold(gateway, "30.00", order_id="invoice-1").transaction
    first = gateway.transaction.refund(made.id, "10.00").transaction
    assert (first.type, first.amount, first.status) == ("credit", Decimal("10.00"), "settling")
    assert (first.refunded_transaction_id, first.order_id) == (made.id, "invoice-1")
    assert first.paypal_details.refund_id.startswith("REFUND-")
    assert codes(gateway.transaction.refund(made.id, "20.01")) == ["91521"]
    second = gateway.transaction.refund(made.id).transaction
    assert second.amount == Decimal("20.00")
    assert codes(gateway.transaction.refund(made.id)) == ["91512"]
    assert codes(gateway.transaction.refund(first.id)) == ["91505"]
    found = gateway.transaction.find(made.id)
    assert (found.refund_id, found.refund_ids) == (first.id, [first.id, second.id])


def test_a_refund_that_paypal_refuses_gives_the_money_back_to_be_refunded(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    paying(gateway)
    made = sold(gateway, "30.00").transaction
    back = gateway.transaction.refund(made.id).transaction
    braintree_double.driver.settle(back.id, outcome="settlement_declined", code="4020")
    assert gateway.transaction.refund(made.id).is_success


def test_only_what_is_settled_or_settling_is_refunded(gateway: braintree.BraintreeGateway) -> None:
    paying(gateway, VISA_NONCE)
    assert codes(gateway.transaction.refund(sold(gateway).transaction.id)) == ["91506"]
