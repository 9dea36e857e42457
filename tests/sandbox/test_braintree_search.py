"""Searching customers and transactions as the real SDK does it: ids first, then pages of fifty."""

from datetime import UTC, datetime, timedelta

import braintree
import pytest
from braintree import CustomerSearch, TransactionSearch
from braintree.exceptions.unexpected_error import UnexpectedError

from sandbox.braintree import search
from tests.braintree_double import BraintreeDouble
from tests.sandbox.braintree_asks import ACCOUNT, paying, sold

OLD = "2019-05-06T07:08:09Z"


@pytest.fixture
def crowd(gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble) -> None:
    """120 customers with ids of ours, one of somebody else's with an agreement."""
    ours = [{"id": f"a{number:031}", "email": f"{number}@example.com"} for number in range(120)]
    stray = {"id": "612964398", "created_at": OLD}
    method = {"token": "legacy", "customer_id": "612964398", "email": "lost@example.com"}
    braintree_double.driver.fill(customers=[stray, *ours], methods=[method])


def ids(found: braintree.ResourceCollection) -> list[str]:
    return [one.id for one in found.items]


def test_all_customers_come_in_pages_newest_first(gateway: braintree.BraintreeGateway, crowd: None) -> None:
    everybody = gateway.customer.all()
    assert everybody.maximum_size == 121
    found = list(everybody.items)
    assert len({one.id for one in found}) == 121
    assert (found[0].id, found[-1].id) == (f"a{119:031}", "612964398")
    assert [one.token for one in found[-1].payment_methods] == ["legacy"]


def test_customers_are_found_by_id_by_its_beginning_and_by_lists(
    gateway: braintree.BraintreeGateway, crowd: None
) -> None:
    find = gateway.customer.search
    assert ids(find(CustomerSearch.id == "612964398")) == ["612964398"]
    assert len(ids(find(CustomerSearch.id.starts_with("a")))) == 120
    assert ids(find(CustomerSearch.ids.in_list(["612964398", "nobody"]))) == ["612964398"]
    assert ids(find(CustomerSearch.id.starts_with("b"))) == []


def test_customers_are_found_by_when_they_were_made(gateway: braintree.BraintreeGateway, crowd: None) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    find = gateway.customer.search
    assert ids(find(CustomerSearch.created_at <= long_ago)) == ["612964398"]
    assert (
        len(ids(find(CustomerSearch.created_at.between(long_ago, datetime(2100, 1, 1, tzinfo=UTC))))) == 120
    )
    assert ids(find(CustomerSearch.created_at >= datetime(2100, 1, 1, tzinfo=UTC))) == []


def test_customers_are_found_by_what_they_pay_with(gateway: braintree.BraintreeGateway, crowd: None) -> None:
    find = gateway.customer.search
    assert ids(find(CustomerSearch.payment_method_token == "legacy")) == ["612964398"]
    assert ids(find(CustomerSearch.paypal_account_email == "lost@example.com")) == ["612964398"]
    assert ids(find(CustomerSearch.email.contains("119@"))) == [f"a{119:031}"]


def test_what_nobody_can_search_for_is_no_empty_answer(gateway: braintree.BraintreeGateway) -> None:
    with pytest.raises(UnexpectedError):
        gateway.customer.search(CustomerSearch.cardholder_name == "Ada")


def test_no_search_finds_more_than_its_most() -> None:
    found = [{"id": str(number)} for number in range(30)]
    assert search.ids(found, {}, {}, most=20)["ids"] == [str(number) for number in range(20)]


def test_transactions_are_found_by_order_customer_and_status(gateway: braintree.BraintreeGateway) -> None:
    paying(gateway)
    first, second = (sold(gateway, order_id=order).transaction.id for order in ("one", "two"))
    declined = sold(gateway, "2001.00", order_id="one").transaction.id
    find = gateway.transaction.search
    assert ids(find(TransactionSearch.order_id == "one")) == [declined, first]
    assert ids(find(TransactionSearch.order_id == "One", TransactionSearch.status == "settling")) == []
    assert ids(find(TransactionSearch.order_id == "one", TransactionSearch.status == "settling")) == [first]
    assert ids(find(TransactionSearch.customer_id == ACCOUNT)) == [declined, second, first]
    assert ids(find(TransactionSearch.status.in_list(["processor_declined", "failed"]))) == [declined]
    assert ids(find(TransactionSearch.ids.in_list([second, "nobody"]))) == [second]
    assert ids(find(TransactionSearch.amount >= "2000.00")) == [declined]
    assert ids(find(TransactionSearch.payment_method_token == "t1")) == [declined, second, first]
    assert ids(find(TransactionSearch.paypal_payer_email == "jane.doe@paypal.com")) == [
        *(declined, second, first),
    ]


def test_transactions_are_found_by_when_they_came_into_a_status(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    paying(gateway)
    made = sold(gateway).transaction
    later = made.created_at + timedelta(minutes=30)
    find = gateway.transaction.search
    assert ids(find(TransactionSearch.created_at <= later)) == [made.id]
    assert ids(find(TransactionSearch.settled_at >= later)) == []
    braintree_double.driver.settings(clock_offset=7200)
    assert ids(find(TransactionSearch.settled_at >= later)) == [made.id]
    assert ids(find(TransactionSearch.created_at >= later)) == []


def test_refunds_are_told_from_sales(gateway: braintree.BraintreeGateway) -> None:
    paying(gateway)
    made = sold(gateway).transaction
    back = gateway.transaction.refund(made.id).transaction
    assert ids(gateway.transaction.search(TransactionSearch.type == "credit")) == [back.id]
    assert ids(gateway.transaction.search(TransactionSearch.refund == True)) == [back.id]  # noqa: E712
