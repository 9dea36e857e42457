"""Notifications of the double of Braintree: what the SDK believes, and what a plan does to them on their way."""

import time
from typing import Any

import braintree
import httpx
import pytest

from tests.braintree_double import BraintreeDouble
from tests.sandbox.braintree_asks import ACCOUNT, paying, sold, vaulted
from tests.sandbox.receiver import Receiver

REVOKED = "payment_method_revoked_by_customer"


def test_a_revocation_is_told_by_a_notification_that_the_sdk_believes(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble, receiver: Receiver
) -> None:
    gateway.customer.create({"id": ACCOUNT})
    vaulted(gateway, "fake-paypal-billing-agreement-nonce", token="t1")
    braintree_double.driver.settings(webhook_url=receiver.url)
    braintree_double.driver.revoke("t1", copies=2)
    first, second = _arrived(receiver, 2)
    form = dict(httpx.QueryParams(first.body.decode()))
    notice = gateway.webhook_notification.parse(form["bt_signature"], form["bt_payload"])
    assert notice.kind == "payment_method_revoked_by_customer"
    assert notice.revoked_payment_method_metadata.token == "t1"
    assert notice.revoked_payment_method_metadata.customer_id == ACCOUNT
    assert first.body == second.body
    assert gateway.payment_method.find("t1").revoked_at is not None


def _arrived(receiver: Receiver, many: int) -> list[Any]:
    for _ in range(200):
        if len(receiver.arrived) >= many:
            break
        time.sleep(0.05)
    return list(receiver.arrived)


def _notices(gateway: braintree.BraintreeGateway, arrived: list[Any]) -> list[Any]:
    forms = [dict(httpx.QueryParams(one.body.decode())) for one in arrived]
    return [gateway.webhook_notification.parse(one["bt_signature"], one["bt_payload"]) for one in forms]


def test_a_check_and_word_of_a_transaction_are_sent_when_asked_for(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble, receiver: Receiver
) -> None:
    paying(gateway)
    made = sold(gateway).transaction
    braintree_double.driver.settle(made.id, outcome="settlement_declined")
    braintree_double.driver.settings(webhook_url=receiver.url)
    braintree_double.driver.notify("check")
    braintree_double.driver.notify("transaction_settlement_declined", made.id)
    check, declined = _notices(gateway, _arrived(receiver, 2))
    assert check.kind == "check"
    assert declined.kind == "transaction_settlement_declined"
    assert (declined.transaction.id, declined.transaction.status) == (made.id, "settlement_declined")
    with pytest.raises(httpx.HTTPStatusError):
        braintree_double.driver.notify("transaction_settled", "nobody")
    with pytest.raises(httpx.HTTPStatusError):
        braintree_double.driver.notify("subscription_canceled")


def test_a_plan_repeats_loses_and_holds_back(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble, receiver: Receiver
) -> None:
    driver = braintree_double.driver
    driver.settings(webhook_url=receiver.url)
    driver.deliver({"types": ["check"], "copies": 3})
    driver.notify("check")
    assert len(_arrived(receiver, 3)) == 3
    driver.deliver({"types": ["check"], "lose": 1.0})
    driver.notify("check")
    driver.deliver({"types": ["check"], "delay": 3600})
    driver.notify("check")
    assert [one["state"] for one in driver.deliveries()] == ["due", "lost", "taken", "taken", "taken"]
    driver.settings(clock_offset=3601)
    assert len(_arrived(receiver, 4)) == 4


def test_a_plan_shuffles_the_same_way_for_the_same_seed(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble, receiver: Receiver
) -> None:
    orders = []
    for _ in range(2):
        driver = braintree_double.driver
        driver.reset()
        receiver.arrived.clear()
        methods = [{"token": f"t{number}", "customer_id": ACCOUNT} for number in range(8)]
        driver.fill(customers=[{"id": ACCOUNT}], methods=methods)
        driver.deliver({"window": 1e6}, seed=7)
        for number in range(8):
            driver.revoke(f"t{number}")
        driver.settings(webhook_url=receiver.url, clock_offset=1e6)
        told = _notices(gateway, _arrived(receiver, 8))
        orders.append([one.revoked_payment_method_metadata.token for one in told])
    assert orders[0] == orders[1]
    assert orders[0] != sorted(orders[0])


def test_a_plan_that_makes_no_sense_is_refused(braintree_double: BraintreeDouble) -> None:
    for rule in ({"copies": 0}, {"lose": 2}, {"colour": "red"}):
        with pytest.raises(httpx.HTTPStatusError):
            braintree_double.driver.deliver(rule)
