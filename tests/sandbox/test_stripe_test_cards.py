"""Stripe's test cards: each is a number that a form takes, and does what the documentation says of it."""

import httpx
import pytest
import stripe

from sandbox.stripe.driver import Driver
from sandbox.stripe.test_cards import CARDS, TOKENS, named
from sandbox.stripe.world import API_KEY
from tests.sandbox.test_stripe_payment_methods import confirmed

pytestmark = pytest.mark.usefixtures("double")


@pytest.fixture(scope="session")
def sdk(stripe_url: str) -> stripe.StripeClient:
    """The real client."""
    return stripe.StripeClient(API_KEY, base_addresses={"api": stripe_url}, max_network_retries=0)


@pytest.fixture
def customer(sdk: stripe.StripeClient, double: Driver) -> str:
    return sdk.v1.customers.create({"name": "Ada"}).id


def luhn(number: str) -> int:
    """The check sum of a card number."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(digit // 10 + digit % 10 for digit in doubled) % 10


@pytest.mark.parametrize("number", CARDS)
def test_a_number_has_the_check_digit_that_forms_ask_for(number: str) -> None:
    assert (luhn(number), CARDS[number].number) == (0, number)


@pytest.mark.parametrize("token", TOKENS)
def test_every_name_is_a_card_s_and_set_up_as_its_bank_says(
    sdk: stripe.StripeClient, customer: str, token: str
) -> None:
    card = named(f"pm_card_{token}")
    assert card is not None
    assert card == named(f"tok_{token}")
    if card.declined and not card.authenticates:
        with pytest.raises(stripe.CardError) as error:
            confirmed(sdk, customer, f"pm_card_{token}")
        assert error.value.code == card.declined
        return
    intent = confirmed(sdk, customer, f"pm_card_{token}")
    assert intent.status == ("requires_action" if card.authenticates else "succeeded")


@pytest.mark.parametrize(
    ("token", "brand", "country", "funding"),
    [
        ("mastercard_prepaid", "mastercard", "US", "prepaid"),
        ("hu", "visa", "HU", "credit"),
        ("th_debit", "visa", "TH", "debit"),
        ("gb_mastercard", "mastercard", "GB", "credit"),
        ("createEthocaAlert", "mastercard", "US", "credit"),
        ("authenticationRequiredSetupForOffSession", "visa", "US", "credit"),
    ],
)
def test_a_card_says_whose_it_is(
    sdk: stripe.StripeClient, customer: str, token: str, brand: str, country: str, funding: str
) -> None:
    intent = confirmed(sdk, customer, f"pm_card_{token}")
    card = sdk.v1.payment_methods.retrieve(str(intent.payment_method)).card
    assert card is not None
    assert (card.brand, card.country, card.funding) == (brand, country, funding)


def test_a_co_branded_card_names_both_networks(sdk: stripe.StripeClient, customer: str) -> None:
    intent = confirmed(sdk, customer, "pm_card_visa_cartesBancaires")
    card = sdk.v1.payment_methods.retrieve(str(intent.payment_method)).card
    assert card is not None
    assert card.networks is not None
    assert card.networks.available == ["cartes_bancaires", "visa"]


@pytest.mark.parametrize(
    ("number", "cvc", "line1", "postal"),
    [
        ("4242424242424242", "pass", "pass", "pass"),
        ("4000000000000101", "fail", "pass", "pass"),
        ("4000000000000036", "pass", "pass", "fail"),
        ("4000000000000028", "pass", "fail", "pass"),
        ("4000000000000010", "pass", "fail", "fail"),
        ("4000000000000044", "pass", "unavailable", "unavailable"),
    ],
)
def test_a_bank_checks_what_it_is_told(
    raw: httpx.Client, number: str, cvc: str, line1: str, postal: str
) -> None:
    typed = {"type": "card", "card[number]": number}
    told = {
        "card[cvc]": "123",
        "billing_details[address][line1]": "1 Main St",
        "billing_details[address][postal_code]": "94105",
    }
    names = ("cvc_check", "address_line1_check", "address_postal_code_check")
    found = raw.post("/v1/payment_methods", data={**typed, **told}).json()["card"]["checks"]
    assert tuple(found[name] for name in names) == (cvc, line1, postal)
    untold = raw.post("/v1/payment_methods", data=typed).json()["card"]["checks"]
    assert set(untold.values()) == {None}


def test_a_card_too_often_charged_says_so(sdk: stripe.StripeClient, customer: str) -> None:
    with pytest.raises(stripe.CardError, match="repeated attempts too frequently") as error:
        confirmed(sdk, customer, "pm_card_visa_chargeDeclinedVelocityLimitExceeded")
    assert error.value.error is not None
    assert error.value.error.decline_code == "card_velocity_exceeded"


def test_a_number_outside_of_the_table_is_no_test_card(raw: httpx.Client) -> None:
    answer = raw.post("/v1/payment_methods", data={"type": "card", "card[number]": "4111111111111111"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "incorrect_number")
