"""The page of the double of Braintree: what it shows, and that what a person causes there happens."""

import httpx

from tests.braintree_double import BraintreeDouble
from tests.sandbox.braintree_asks import ACCOUNT, vaulted


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
