"""The double of Braintree, as its real SDK sees it and beside what its sandbox really answered."""

import json
import time
from pathlib import Path
from typing import Any

import braintree
import httpx
import pytest
from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.http.timeout_error import ReadTimeoutError
from braintree.exceptions.not_found_error import NotFoundError
from braintree.exceptions.server_error import ServerError
from braintree.util.xml_util import XmlUtil

from sandbox.braintree.world import MERCHANT, PRIVATE_KEY, PUBLIC_KEY
from tests.braintree_double import BraintreeDouble
from tests.sandbox.receiver import Receiver

RECORDINGS = Path(__file__).with_name("braintree_recordings")
ACCOUNT = "a" * 32


@pytest.fixture
def gateway(braintree_double: BraintreeDouble) -> braintree.BraintreeGateway:
    return braintree_double.gateway()


def vaulted(gateway: braintree.BraintreeGateway, nonce: str, **given: Any) -> Any:
    return gateway.payment_method.create(
        {"customer_id": ACCOUNT, "payment_method_nonce": nonce, "options": given.pop("options", {}), **given}
    )


def codes(result: Any) -> list[str]:
    return [str(error.code) for error in result.errors.deep_errors]


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


def test_the_page_makes_nonces_and_revokes(braintree_double: BraintreeDouble) -> None:
    gateway = braintree_double.gateway()
    gateway.customer.create({"id": ACCOUNT})
    with httpx.Client(base_url=braintree_double.url, trust_env=False, follow_redirects=True) as browser:
        page = browser.post("/act", data={"what": "nonce", "email": "p@example.com"})
        nonce = page.text.split("<code>")[1].split("</code>")[0]
        assert vaulted(gateway, nonce, token="t1").is_success
        assert "p@example.com" in browser.get("/").text
        assert "revoked" in browser.post("/act", data={"what": "revoke", "token": "t1"}).text
        browser.post("/act", data={"what": "remove", "token": "t1"})
    assert braintree_double.driver.methods() == []


def _kinds(value: Any) -> Any:
    """The shape of a parsed answer: names, and what kind of value each has."""
    if isinstance(value, dict):
        return {name: _kinds(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_kinds(one) for one in value[:1]]
    return type(value).__name__ if value not in (None, "") else "empty"


@pytest.mark.parametrize("recording", sorted(RECORDINGS.glob("*.json")), ids=lambda path: path.stem)
def test_the_sdk_reads_our_answers_as_it_reads_braintree_s(
    recording: Path, braintree_double: BraintreeDouble
) -> None:
    ids: dict[str, str] = {}
    with httpx.Client(
        base_url=braintree_double.url, auth=(PUBLIC_KEY, PRIVATE_KEY), trust_env=False
    ) as client:
        for exchange in json.loads(recording.read_text()):
            asked, answered = exchange["request"], exchange["response"]
            path = _ours(asked["path"], ids).replace("/merchants/MERCHANT", f"/merchants/{MERCHANT}")
            answer = client.request(asked["method"], path, content=_ours(asked["body"] or "", ids))
            assert answer.status_code == answered["status"]
            theirs, ours = XmlUtil.dict_from_xml(answered["body"]), XmlUtil.dict_from_xml(answer.text)
            _learn(theirs, ours, ids)
            missing = _lacking(_kinds(theirs), _kinds(ours))
            assert not missing, missing


def _ours(text: str, ids: dict[str, str]) -> str:
    for theirs, ours in ids.items():
        text = text.replace(theirs, ours)
    return text


def _learn(theirs: Any, ours: Any, ids: dict[str, str]) -> None:
    for name in ("customer", "paypal_account", "credit_card"):
        for key in ("id", "token"):
            if name in theirs and key in theirs[name]:
                ids[theirs[name][key]] = ours[name][key]


def _lacking(theirs: Any, ours: Any, where: str = "") -> list[str]:
    """What the recorded answer has and ours has not, or of another kind."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return [
            one
            for name, value in theirs.items()
            for one in (
                _lacking(value, ours[name], f"{where}/{name}")
                if name in ours
                else [f"{where}/{name} is missing"]
            )
        ]
    same = theirs == ours or "empty" in (theirs, ours)
    return [] if same or isinstance(theirs, list) else [f"{where} is {ours} instead of {theirs}"]
