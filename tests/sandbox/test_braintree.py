"""The double of Braintree, as its real SDK sees it: customers, methods, nonces, keys and faults."""

import braintree
import pytest
from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.http.timeout_error import ReadTimeoutError
from braintree.exceptions.not_found_error import NotFoundError
from braintree.exceptions.server_error import ServerError

from tests.braintree_double import BraintreeDouble
from tests.sandbox.braintree_asks import ACCOUNT, codes, vaulted


def test_a_customer_keeps_the_id_we_choose_and_nobody_else_gets_it(
    gateway: braintree.BraintreeGateway,
) -> None:
    assert gateway.customer.create({"id": ACCOUNT, "email": "a@example.com"}).customer.id == ACCOUNT
    again = gateway.customer.create({"id": ACCOUNT})
    assert not again.is_success
    assert codes(again) == ["91609"]
    found = gateway.customer.find(ACCOUNT)
    assert (found.email, found.payment_methods) == ("a@example.com", [])
    gateway.customer.update(ACCOUNT, {"email": "b@example.com"})
    assert gateway.customer.find(ACCOUNT).email == "b@example.com"
    gateway.customer.delete(ACCOUNT)
    with pytest.raises(NotFoundError):
        gateway.customer.find(ACCOUNT)


def test_an_agreement_is_vaulted_under_the_token_we_choose(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    gateway.customer.create({"id": ACCOUNT})
    nonce = braintree_double.driver.nonce("payer@example.com")
    made = vaulted(gateway, nonce, token="t1", device_data="{}").payment_method
    assert isinstance(made, braintree.PayPalAccount)
    assert (made.token, made.email, made.default, made.customer_id) == (
        "t1",
        "payer@example.com",
        True,
        ACCOUNT,
    )
    assert made.billing_agreement_id.startswith("B-")
    found = gateway.payment_method.find("t1")
    assert (found.billing_agreement_id, found.revoked_at) == (made.billing_agreement_id, None)
    assert [one.token for one in gateway.customer.find(ACCOUNT).paypal_accounts] == ["t1"]


@pytest.mark.parametrize(
    ("nonce", "code"),
    [
        ("fake-consumed-nonce", "93107"),
        ("nobody-made-this", "93108"),
        ("fake-paypal-one-time-nonce", "82902"),
    ],
)
def test_a_nonce_that_can_t_be_kept_says_why(
    gateway: braintree.BraintreeGateway, nonce: str, code: str
) -> None:
    gateway.customer.create({"id": ACCOUNT})
    assert codes(vaulted(gateway, nonce)) == [code]


def test_a_nonce_works_once_and_a_taken_token_leaves_it_good(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    gateway.customer.create({"id": ACCOUNT})
    vaulted(gateway, "fake-paypal-billing-agreement-nonce", token="t1")
    nonce = braintree_double.driver.nonce()
    assert codes(vaulted(gateway, nonce, token="t1")) == ["92906"]
    assert vaulted(gateway, nonce, token="t2").is_success
    assert codes(vaulted(gateway, nonce, token="t3")) == ["93107"]


def test_a_declined_card_comes_with_its_verification(gateway: braintree.BraintreeGateway) -> None:
    gateway.customer.create({"id": ACCOUNT})
    result = vaulted(gateway, "fake-processor-declined-visa-nonce", options={"verify_card": True})
    assert not result.is_success
    assert result.credit_card_verification.processor_response_code == "2000"


def test_the_default_moves_and_the_next_follows(gateway: braintree.BraintreeGateway) -> None:
    gateway.customer.create({"id": ACCOUNT})
    vaulted(gateway, "fake-paypal-billing-agreement-nonce", token="t1")
    vaulted(gateway, "fake-valid-visa-nonce", token="t2", options={"make_default": True})
    assert (gateway.payment_method.find("t1").default, gateway.payment_method.find("t2").default) == (
        False,
        True,
    )
    gateway.payment_method.update("t1", {"options": {"make_default": True}})
    gateway.payment_method.delete("t1")
    assert gateway.payment_method.find("t2").default is True
    with pytest.raises(NotFoundError):
        gateway.payment_method.delete("t1")


def test_a_client_token_names_its_customer(gateway: braintree.BraintreeGateway) -> None:
    gateway.customer.create({"id": ACCOUNT})
    assert gateway.client_token.generate({"customer_id": ACCOUNT})


def test_wrong_keys_are_not_let_in(braintree_double: BraintreeDouble) -> None:
    gateway = braintree_double.gateway()
    gateway.config.private_key = "wrong"
    with pytest.raises(AuthenticationError):
        gateway.customer.create({})


def test_faults_are_met_as_planned(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    gateway.config.timeout = 0.3
    braintree_double.driver.fault("timeout_after_effect", method="POST", path="/customers")
    with pytest.raises(ReadTimeoutError):
        gateway.customer.create({"id": ACCOUNT})
    assert gateway.customer.find(ACCOUNT).id == ACCOUNT
    braintree_double.driver.fault("error_500_before", path="/customers")
    with pytest.raises(ServerError):
        gateway.customer.find(ACCOUNT)
