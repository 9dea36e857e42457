"""What the double of Braintree still knows after it was killed."""

from pathlib import Path

import braintree

from sandbox.braintree import process
from sandbox.braintree.driver import Driver
from sandbox.stripe.process import Child
from tests.braintree_double import BraintreeDouble
from tests.sandbox.braintree_asks import ACCOUNT, codes, paying, sold


def started(folder: Path) -> tuple[BraintreeDouble, Child]:
    child = process.start(folder)
    return BraintreeDouble(child.url, Driver(child.url)), child


def test_charges_agreements_settings_and_the_plan_outlive_a_kill(tmp_path: Path) -> None:
    double, child = started(tmp_path)
    paying(double.gateway())
    made = sold(double.gateway(), order_id="one").transaction
    nonce = double.gateway().payment_method_nonce.create("t1").payment_method_nonce.nonce
    double.driver.decline("t1", "2074")
    double.driver.deliver({"lose": 1.0}, seed=3)
    double.driver.settings(duplicate_seconds=0, clock_offset=60)
    double.driver.close()
    child.kill()

    double, child = started(tmp_path)
    gateway = double.gateway()
    found = gateway.transaction.search(braintree.TransactionSearch.order_id == "one")
    assert [one.id for one in found.items] == [made.id]
    declined = sold(gateway, payment_method_nonce=nonce)
    assert declined.transaction.processor_response_code == "2074"
    assert codes(sold(gateway, payment_method_nonce=nonce)) == ["91564"]
    assert double.driver.settings() == {
        "clock_offset": 60.0,
        "duplicate_seconds": 0.0,
        "webhook_url": None,
        "paused": False,
    }
    double.driver.revoke("t1")
    assert [one["state"] for one in double.driver.deliveries()] == ["lost"]
    assert gateway.customer.find(ACCOUNT).id == ACCOUNT
    double.driver.close()
    child.stop()
