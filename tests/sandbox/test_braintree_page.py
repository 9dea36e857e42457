"""The page of the double of Braintree: what it shows, and that what a person causes there happens."""

from collections.abc import Iterator

import braintree
import httpx
import pytest

from tests.braintree_double import BraintreeDouble
from tests.sandbox.braintree_asks import ACCOUNT, paying, sold, vaulted


@pytest.fixture
def browser(braintree_double: BraintreeDouble) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=braintree_double.url, trust_env=False, follow_redirects=True) as client:
        yield client


def act(browser: httpx.Client, what: str, **form: str) -> httpx.Response:
    """The page as it is after a button was pressed."""
    return browser.post("/act", data={"what": what, **form})


def test_the_page_makes_nonces_and_revokes(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble, browser: httpx.Client
) -> None:
    gateway.customer.create({"id": ACCOUNT})
    nonce = act(browser, "nonce", email="p@example.com").text.split("<code>")[1].split("</code>")[0]
    assert vaulted(gateway, nonce, token="t1").is_success
    assert "p@example.com" in browser.get("/").text
    assert "revoked at PayPal only" in act(browser, "revoke_silently", token="t1").text
    assert sold(gateway).transaction.processor_response_code == "2070"
    page = act(browser, "revoke", token="t1").text
    assert '<b class="bad">revoked</b>' in page
    assert "payment_method_revoked_by_customer" in page
    act(browser, "remove", token="t1")
    assert braintree_double.driver.methods() == []


def test_a_person_settles_declines_refunds_and_voids(
    gateway: braintree.BraintreeGateway, browser: httpx.Client
) -> None:
    paying(gateway)
    first, second, third = (sold(gateway, f"{n}.00", order_id=f"order-{n}").transaction.id for n in (1, 2, 3))
    held = sold(gateway, "4.00", submit=False).transaction.id
    page = browser.get("/").text
    for shown in ("order-1", "1.00 USD", "jane.doe@paypal.com", "settling", first):
        assert shown in page
    act(browser, "settle", id=first)
    assert "Settlement Declined" in act(browser, "decline_settlement", id=second).text
    assert "-3.00 USD" in act(browser, "refund", id=third).text
    act(browser, "void", id=held)
    statuses = [gateway.transaction.find(one).status for one in (first, second, third, held)]
    assert statuses == ["settled", "settlement_declined", "settling", "voided"]
    act(browser, "advance", seconds="7200")
    assert gateway.transaction.find(third).status == "settled"


def test_a_person_plans_and_repeats_notifications(
    gateway: braintree.BraintreeGateway, braintree_double: BraintreeDouble, browser: httpx.Client
) -> None:
    assert 'name="lose" type="number" min="0" max="1" step="0.01" value="1"' in (
        act(browser, "plan", copies="2", lose="1").text
    )
    act(browser, "check")
    (lost,) = braintree_double.driver.deliveries()
    assert lost["state"] == "lost"
    act(browser, "resend", seq=str(lost["seq"]))
    assert braintree_double.driver.deliveries()[0]["state"] == "due"


@pytest.mark.parametrize(
    ("form", "status", "why"),
    [
        ({"what": "dance"}, 400, "no such button"),
        ({"what": "settle", "id": "nobody"}, 404, "no such thing"),
        ({"what": "advance", "seconds": "-1"}, 400, "forward only"),
        ({"what": "plan", "copies": "0"}, 400, "copies is a number"),
    ],
)
def test_what_can_t_be_done_is_said_on_the_page(
    browser: httpx.Client, braintree_double: BraintreeDouble, form: dict[str, str], status: int, why: str
) -> None:
    answer = browser.post("/act", data=form)
    assert answer.status_code == status
    assert why in answer.text


def test_names_of_others_are_text_on_the_page(
    braintree_double: BraintreeDouble, browser: httpx.Client
) -> None:
    methods = [{"token": "<b>t", "customer_id": "<i>c", "email": "<script>@example.com"}]
    braintree_double.driver.fill(customers=[{"id": "<i>c"}], methods=methods)
    page = browser.get("/").text
    assert "&lt;script&gt;@example.com" in page
    for raw in ("<b>t", "<i>c", "<script>"):
        assert raw not in page
