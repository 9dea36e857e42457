"""What moves in the vault and what does not, and the broken states that a drill can put into it."""

import braintree
import httpx
import pytest
from braintree.exceptions.not_found_error import NotFoundError

from tests.braintree_double import BraintreeDouble
from tests.sandbox.braintree_asks import ACCOUNT, VISA_NONCE, codes, paying, sold, vaulted

OTHER = "b" * 32


def nonce_of(gateway: braintree.BraintreeGateway, token: str = "t1") -> str:
    return str(gateway.payment_method_nonce.create(token).payment_method_nonce.nonce)


def test_a_nonce_of_a_vaulted_method_pays_once(gateway: braintree.BraintreeGateway) -> None:
    paying(gateway)
    nonce = nonce_of(gateway)
    found = gateway.payment_method_nonce.find(nonce)
    assert (found.type, found.consumed) == ("PayPalAccount", False)
    made = sold(gateway, payment_method_nonce=nonce).transaction
    assert (made.paypal_details.token, made.customer_details.id) == ("t1", ACCOUNT)
    assert codes(sold(gateway, payment_method_nonce=nonce)) == ["91564"]
    assert gateway.payment_method_nonce.find(nonce).consumed
    with pytest.raises(NotFoundError):
        gateway.payment_method_nonce.create("nobody")


def test_a_nonce_of_a_vaulted_method_gives_that_method_and_moves_nothing(
    gateway: braintree.BraintreeGateway,
) -> None:
    paying(gateway)
    gateway.customer.create({"id": OTHER})
    again = vaulted(gateway, nonce_of(gateway), token="t2").payment_method
    assert (again.token, again.customer_id) == ("t1", ACCOUNT)
    elsewhere = gateway.payment_method.create(
        {"customer_id": OTHER, "payment_method_nonce": nonce_of(gateway)}
    )
    assert codes(elsewhere) == ["91617"]
    assert gateway.payment_method.find("t1").customer_id == ACCOUNT


def test_a_token_not_chosen_by_us_is_renamed(gateway: braintree.BraintreeGateway) -> None:
    paying(gateway, token="legacy")
    before = gateway.payment_method.find("legacy")
    assert gateway.payment_method.update("legacy", {"token": "t1"}).payment_method.token == "t1"
    found = gateway.payment_method.find("t1")
    assert (found.billing_agreement_id, found.default) == (before.billing_agreement_id, True)
    with pytest.raises(NotFoundError):
        gateway.payment_method.find("legacy")
    vaulted(gateway, VISA_NONCE, token="t2")
    assert codes(gateway.payment_method.update("t2", {"token": "t1"})) == ["92906"]
    assert gateway.paypal_account.update("t1", {"token": "t3"}).paypal_account.token == "t3"


def test_a_customer_goes_by_another_id_with_its_methods_unless_that_is_taken(
    gateway: braintree.BraintreeGateway,
) -> None:
    paying(gateway)
    gateway.customer.create({"id": "612964398"})
    assert codes(gateway.customer.update(ACCOUNT, {"id": "612964398"})) == ["91609"]
    assert gateway.customer.update(ACCOUNT, {"id": OTHER}).customer.id == OTHER
    assert gateway.payment_method.find("t1").customer_id == OTHER
    assert [one.token for one in gateway.customer.find(OTHER).payment_methods] == ["t1"]
    with pytest.raises(NotFoundError):
        gateway.customer.find(ACCOUNT)


def test_a_customer_is_made_with_its_first_method(gateway: braintree.BraintreeGateway) -> None:
    made = gateway.customer.create({"id": ACCOUNT, "payment_method_nonce": VISA_NONCE}).customer
    assert [one.last_4 for one in made.credit_cards] == ["1881"]
    more = gateway.customer.update(
        ACCOUNT, {"payment_method_nonce": "fake-paypal-billing-agreement-nonce"}
    ).customer
    assert len(more.payment_methods) == 2


def test_a_refresh_token_of_paypal_is_upgraded_to_an_agreement(gateway: braintree.BraintreeGateway) -> None:
    gateway.customer.create({"id": ACCOUNT})
    given = {"customer_id": ACCOUNT, "paypal_refresh_token": "r1", "token": "t1"}
    made = gateway.payment_method.create(given).payment_method
    assert (made.token, made.customer_id) == ("t1", ACCOUNT)
    assert made.billing_agreement_id.startswith("B-")
    assert sold(gateway).is_success


def test_a_drill_fills_the_vault_with_what_others_left(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    braintree_double.driver.fill(
        customers=[{"id": ACCOUNT}, {"id": OTHER, "created_at": "2019-01-02T03:04:05Z"}],
        methods=[
            {"token": "legacy", "customer_id": OTHER, "billing_agreement_id": "B-1", "email": "p@x.com"},
            {"token": "twice", "customer_id": ACCOUNT, "billing_agreement_id": "B-1", "default": True},
            {"token": "once", "customer_id": ACCOUNT, "type": "paypal_one_time"},
            {"token": "card", "customer_id": ACCOUNT, "type": "card", "number": "5555555555554444"},
        ],
    )
    wrong = gateway.payment_method.find("legacy")
    assert (wrong.customer_id, wrong.billing_agreement_id, wrong.email) == (OTHER, "B-1", "p@x.com")
    assert gateway.customer.find(OTHER).created_at.year == 2019
    assert gateway.payment_method.find("once").billing_agreement_id is None
    assert gateway.payment_method.find("card").card_type == "MasterCard"
    assert gateway.payment_method.find("twice").default
    declined = sold(gateway, payment_method_token="once")
    assert declined.transaction.processor_response_code == "2073"
    assert sold(gateway, payment_method_token="legacy").is_success


def test_an_agreement_that_is_kept_twice_is_revoked_twice(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    methods = [
        {"token": token, "customer_id": ACCOUNT, "billing_agreement_id": "B-1"} for token in ("t1", "t2")
    ]
    braintree_double.driver.fill(customers=[{"id": ACCOUNT}], methods=methods)
    braintree_double.driver.revoke("t1")
    assert gateway.payment_method.find("t2").revoked_at is not None
    assert sold(gateway, payment_method_token="t2").transaction.processor_response_code == "2070"
    assert len(braintree_double.driver.deliveries()) == 2


def test_what_is_filled_in_again_is_replaced_and_good_again(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble
) -> None:
    method = {"token": "t1", "customer_id": ACCOUNT, "billing_agreement_id": "B-1"}
    braintree_double.driver.fill(customers=[{"id": ACCOUNT}], methods=[{**method, "agreement": "revoked"}])
    braintree_double.driver.fill(methods=[{**method, "agreement": "active", "email": "new@example.com"}])
    found = gateway.payment_method.find("t1")
    assert (found.email, found.revoked_at, found.default) == ("new@example.com", None, True)
    assert sold(gateway).is_success


@pytest.mark.parametrize(
    ("state", "known", "code"),
    [("revoked", True, "2070"), ("revoked_silently", False, "2070"), ("unknown", False, "2073")],
)
def test_a_drill_fills_in_agreements_that_are_no_good(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble, state: str, known: bool, code: str
) -> None:
    method = {"token": "t1", "customer_id": ACCOUNT, "agreement": state}
    braintree_double.driver.fill(customers=[{"id": ACCOUNT}], methods=[method])
    assert (gateway.payment_method.find("t1").revoked_at is not None) is known
    assert sold(gateway).transaction.processor_response_code == code


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"payment_methods": [{"token": "t1", "customer_id": "nobody"}]}, "no customer nobody"),
        ({"payment_methods": [{"token": "t1"}]}, "needs token and customer_id"),
        ({"customers": [{"id": "x", "age": 3}]}, "unknown of a customer: age"),
        ({"customers": [{"id": str(n)} for n in range(1001)]}, "at most 1000"),
        ({"customers": "all"}, "a list of objects"),
        ({"people": []}, "unknown: people"),
        (
            {"payment_methods": [{"token": "t", "customer_id": "ok", "agreement": "odd"}]},
            "agreement is one of",
        ),
    ],
)
def test_what_can_t_be_filled_in_says_why_and_nothing_is(
    braintree_double: BraintreeDouble, given: dict[str, object], why: str
) -> None:
    braintree_double.driver.fill(customers=[{"id": "ok"}])
    with httpx.Client(base_url=braintree_double.url, trust_env=False) as client:
        answer = client.post("/_sandbox/vault", json=given)
    assert answer.status_code == 400
    assert why in answer.json()["error"]
    assert len(braintree_double.driver.customers()) == 1
    assert braintree_double.driver.methods() == []
