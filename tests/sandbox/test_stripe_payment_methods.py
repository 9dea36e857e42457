"""Payment methods and setup intents of the double, as the real client sees them."""

from typing import Any

import httpx
import pytest
import stripe

from sandbox.stripe.driver import Driver
from sandbox.stripe.world import API_KEY

pytestmark = pytest.mark.usefixtures("double")


@pytest.fixture(scope="session")
def sdk(stripe_url: str) -> stripe.StripeClient:
    """The real client."""
    return stripe.StripeClient(API_KEY, base_addresses={"api": stripe_url}, max_network_retries=0)


@pytest.fixture
def customer(sdk: stripe.StripeClient, double: Driver) -> str:
    return sdk.v1.customers.create({"name": "Ada"}).id


def confirmed(sdk: stripe.StripeClient, customer: str, method: str) -> stripe.SetupIntent:
    params: Any = {
        "customer": customer,
        "payment_method": method,
        "confirm": True,
        "usage": "off_session",
        "payment_method_types": ["card"],
        "metadata": {"operation": "o"},
    }
    return sdk.v1.setup_intents.create(params)


def told(sdk: stripe.StripeClient) -> list[str]:
    return [event.type for event in reversed(sdk.v1.events.list({"limit": 100}).data)]


def test_a_confirmed_setup_attaches_the_card(sdk: stripe.StripeClient, customer: str) -> None:
    intent = confirmed(sdk, customer, "pm_card_visa")
    assert intent.status == "succeeded"
    method = sdk.v1.payment_methods.retrieve(str(intent.payment_method))
    assert (method.customer, method.card and method.card.last4, method.card and method.card.brand) == (
        customer,
        "4242",
        "visa",
    )
    assert [one.id for one in sdk.v1.payment_methods.list({"customer": customer})] == [method.id]
    assert told(sdk)[-3:] == ["setup_intent.created", "payment_method.attached", "setup_intent.succeeded"]


@pytest.mark.parametrize(
    ("card", "code", "exact"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ],
)
def test_a_declined_card_is_an_error_and_the_intent_says_why(
    sdk: stripe.StripeClient, customer: str, card: str, code: str, exact: str
) -> None:
    with pytest.raises(stripe.CardError) as error:
        confirmed(sdk, customer, card)
    assert (error.value.http_status, error.value.code) == (402, code)
    assert error.value.error is not None
    assert error.value.error.decline_code == exact
    (intent,) = sdk.v1.setup_intents.list({"customer": customer}).data
    assert intent.status == "requires_payment_method"
    assert intent.last_setup_error is not None
    assert intent.last_setup_error.decline_code == exact
    assert sdk.v1.payment_methods.list({"customer": customer}).data == []


def test_a_key_repeats_the_decline_it_answered_first(sdk: stripe.StripeClient, customer: str) -> None:
    params = {"customer": customer, "payment_method": "pm_card_chargeDeclined", "confirm": True}
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            sdk.v1.setup_intents.create(params, {"idempotency_key": "k"})  # type: ignore[arg-type]
    assert len(sdk.v1.setup_intents.list({"customer": customer}).data) == 1


@pytest.mark.parametrize(
    ("outcome", "status"), [("complete", "succeeded"), ("fail", "requires_payment_method")]
)
def test_a_cardholder_answers_on_the_bank_s_page(
    sdk: stripe.StripeClient, customer: str, stripe_url: str, outcome: str, status: str
) -> None:
    intent = confirmed(sdk, customer, "pm_card_threeDSecure2Required")
    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.next_action.use_stripe_sdk is not None
    address = intent.next_action.use_stripe_sdk["stripe_js"]
    assert address.endswith(f"client_secret={intent.client_secret}"), "as Stripe's own addresses have it"
    with httpx.Client(base_url=stripe_url, trust_env=False) as browser:
        page = browser.get(address)
        assert "Complete" in page.text
        done = browser.post(f"/authenticate/{intent.id}", params={"outcome": outcome})
        assert done.status_code == 200
        assert "Complete" not in done.text
        assert browser.get("/authenticate/seti_nothing").status_code == 404
    after = sdk.v1.setup_intents.retrieve(intent.id)
    assert after.status == status
    assert bool(sdk.v1.payment_methods.list({"customer": customer}).data) is (status == "succeeded")


def test_the_bank_s_page_leads_back_to_where_it_was_asked(
    sdk: stripe.StripeClient, customer: str, stripe_url: str
) -> None:
    intent = sdk.v1.setup_intents.create(
        {
            "customer": customer,
            "payment_method": "pm_card_authenticationRequired",
            "confirm": True,
            "return_url": "http://127.0.0.1:8080/back?a=1",
        }
    )
    with httpx.Client(base_url=stripe_url, trust_env=False) as browser:
        answer = browser.post(f"/authenticate/{intent.id}", params={"outcome": "complete"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"http://127.0.0.1:8080/back?a=1&setup_intent={intent.id}")
    assert answer.headers["location"].endswith("redirect_status=succeeded")


def test_a_detached_method_is_never_used_again(sdk: stripe.StripeClient, customer: str) -> None:
    method = str(confirmed(sdk, customer, "pm_card_visa").payment_method)
    sdk.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": method}})
    assert sdk.v1.payment_methods.detach(method).customer is None
    settings = sdk.v1.customers.retrieve(customer).invoice_settings
    assert settings is not None
    assert settings.default_payment_method is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        sdk.v1.payment_methods.attach(method, {"customer": customer})
    with pytest.raises(stripe.InvalidRequestError, match="not attached"):
        sdk.v1.payment_methods.detach(method)


def test_a_default_is_the_customer_s_own(sdk: stripe.StripeClient, customer: str) -> None:
    other = sdk.v1.customers.create({}).id
    method = str(confirmed(sdk, other, "pm_card_visa").payment_method)
    with pytest.raises(stripe.InvalidRequestError) as error:
        sdk.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": method}})
    assert error.value.code == "resource_missing"
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        sdk.v1.payment_methods.attach(method, {"customer": customer})


def test_the_same_number_has_the_same_fingerprint(sdk: stripe.StripeClient) -> None:
    def fingerprint(number: str) -> str | None:
        made = sdk.v1.payment_methods.create(
            {"type": "card", "card": {"number": number, "exp_month": 4, "exp_year": 2031}}
        )
        assert made.card is not None
        return made.card.fingerprint

    assert fingerprint("4242424242424242") == fingerprint("4242 4242 4242 4242")
    assert fingerprint("4242424242424242") != fingerprint("5555555555554444")
    with pytest.raises(stripe.CardError):
        fingerprint("4242424242424241")


def test_an_intent_takes_no_method_of_another_type(sdk: stripe.StripeClient, customer: str) -> None:
    given: Any = {"customer": customer, "payment_method_types": ["sepa_debit"]}
    debited = sdk.v1.setup_intents.create(given)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.setup_intents.confirm(debited.id, {"payment_method": "pm_card_visa"})
    assert refused.value.code == "setup_intent_invalid_parameter"
    assert "provided (card) is not allowed" in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("sepa_debit", None),
        ("link", None),
        ("us_bank_account", "verify_with_microdeposits"),
        ("cashapp", "cashapp_handle_redirect_or_display_qr_code"),
    ],
)
def test_what_is_debited_needs_a_mandate_and_some_of_it_its_payer(
    sdk: stripe.StripeClient, customer: str, stripe_url: str, kind: Any, action: str | None
) -> None:
    iban = {"sepa_debit": {"iban": "AT611904300234573201"}} if kind == "sepa_debit" else {}
    given: Any = {"type": kind, **iban}
    method = sdk.v1.payment_methods.create(given)
    setup: Any = {"customer": customer, "payment_method": method.id, "payment_method_types": [kind]}
    setup["confirm"] = True
    with pytest.raises(stripe.InvalidRequestError, match="`mandate_data` is required"):
        sdk.v1.setup_intents.create(setup)
    setup["mandate_data"] = {"customer_acceptance": {"type": "offline"}}
    intent = sdk.v1.setup_intents.create(setup)
    assert (intent.next_action and intent.next_action.type) == action
    if action:
        assert intent.status == "requires_action"
        httpx.post(f"{stripe_url}/authenticate/{intent.id}?outcome=complete", trust_env=False)
    done = sdk.v1.setup_intents.retrieve(intent.id)
    assert (done.status, done.next_action, bool(done.mandate)) == ("succeeded", None, True)
    kept = sdk.v1.payment_methods.retrieve(method.id)
    assert kept.customer == customer


@pytest.mark.parametrize(
    ("iban", "country", "bank"),
    [
        ("DE89 3704 0044 0532 0130 00", "DE", "37040044"),
        ("AT611904300234573201", "AT", "19043"),
        ("NL39RABO0300065264", "NL", "RABO"),
    ],
)
def test_a_bank_is_told_by_its_code_in_the_account_number(
    sdk: stripe.StripeClient, iban: str, country: str, bank: str
) -> None:
    debit = sdk.v1.payment_methods.create({"type": "sepa_debit", "sepa_debit": {"iban": iban}}).sepa_debit
    assert debit is not None
    assert (debit.country, debit.bank_code, debit.last4) == (country, bank, iban.replace(" ", "")[-4:])


def test_an_abandoned_setup_is_cancelled_once(sdk: stripe.StripeClient, customer: str) -> None:
    intent = sdk.v1.setup_intents.create(
        {"customer": customer, "automatic_payment_methods": {"enabled": True}}
    )
    assert intent.status == "requires_payment_method"
    assert intent.client_secret is not None
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    cancelled = sdk.v1.setup_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (cancelled.status, cancelled.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError) as error:
        sdk.v1.setup_intents.cancel(intent.id)
    assert error.value.code == "setup_intent_unexpected_state"


def test_a_customer_takes_its_methods_along(sdk: stripe.StripeClient, customer: str) -> None:
    method = str(confirmed(sdk, customer, "pm_card_visa").payment_method)
    sdk.v1.customers.delete(customer)
    assert sdk.v1.payment_methods.retrieve(method).customer is None
    assert told(sdk)[-2:] == ["payment_method.detached", "customer.deleted"]


def test_cards_change_behind_our_back(sdk: stripe.StripeClient, customer: str, raw: httpx.Client) -> None:
    method = str(confirmed(sdk, customer, "pm_card_visa").payment_method)
    raw.post(f"/_sandbox/payment_methods/{method}/expire")
    expired = sdk.v1.payment_methods.retrieve(method).card
    assert expired is not None
    assert expired.exp_year == 2020
    raw.post(f"/_sandbox/payment_methods/{method}/renew", json={"exp_year": 2040})
    raw.post(f"/_sandbox/payment_methods/{method}/detach")
    assert told(sdk)[-3:] == [
        "payment_method.updated",
        "payment_method.automatically_updated",
        "payment_method.detached",
    ]
