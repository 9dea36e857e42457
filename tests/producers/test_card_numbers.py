"""What looks like a card number is not taken in, and what a processor calls something is."""

import random

import pytest

from producers import card_numbers as card_numbers_module
from producers.card_numbers import card_numbers

BETWEEN = (
    "",
    " ",
    "-",
    "  ",
    "\u00a0",
    "\u2009",
    ".",
    "/",
    "_",
    "\t",
    "\u2013",
    "\u00b7",
    ", ",
    " - ",
    " | ",
    "\r\n",
    "....",
)


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("number", ["4242 4242 4242 4242", "3782 822463 10005", "6304 0000 0000 0000 000"])
def test_a_card_number_is_found_whatever_stands_between_its_digits(number: str, between: str) -> None:
    assert card_numbers({"nick_name": f"My card {number.replace(' ', between)}!"})


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424242",
        "my card is 4242-4242-4242-4242!",
        "Card 2: 4242 4242 4242 4242",
        "4242.4242.4242.4242, 12/30, 123",
        "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
        "\uff14\uff12\uff14\uff12 4242 4242 4242",
        "Card 2345 4242 4242 4242 4242",
        "42424242 42424242",
    ],
)
def test_a_card_number_is_found_wherever_it_stands(text: str) -> None:
    assert card_numbers({"nick_name": text})


@pytest.mark.parametrize("text", ["4242424242424242", " 4242-4242-4242-4242 "])
def test_a_nonce_that_is_a_card_number_is_found(text: str) -> None:
    assert card_numbers({"payment_nonce": text}, opaque=("payment_nonce",))


@pytest.mark.parametrize(
    "nonce", ["3bc4242424242424242af0d9e1b27c55a6f0", "d4d1f3ae-4242-4242-4242-4242ac01f6b9"]
)
def test_a_nonce_that_happens_to_have_such_digits_within_it_is_taken(nonce: str) -> None:
    assert card_numbers({"nick_name": nonce})
    assert not card_numbers({"payment_nonce": nonce}, opaque=("payment_nonce",))


@pytest.mark.parametrize(
    "text",
    [
        "4242.4242.4242.4243",
        "1-23-45-6789, 123-4567",
        "Flat 12, 34/5-67, 110 001",
        "Card of 2026-11-29, ends in 4242",
        "+49 (0)30 1234567-89",
        "+1 (415) 555-0100, +1 (415) 555-0101",
        "From 01.02.2026 - 31.12.2026",
        "101 Townsend Street, San Francisco 94107-1234",
        "VAT DE123456789, register HRB 12345",
        "192.168.100.200/24",
        "12345678901234567890",
    ],
)
def test_other_numbers_are_taken(text: str) -> None:
    assert not card_numbers({"nick_name": text})


def test_addresses_and_telephones_are_taken_whatever_their_digits() -> None:
    """Not only those above: with any digits."""
    rng = random.Random(1)
    shapes = ("1-##-##-####, ###-####", "Flat ##, ##/#-##, ### ###", "+## (0)## #######-##, +## ## ########")
    texts = ["".join(rng.choice("0123456789") if c == "#" else c for c in shape) for shape in shapes * 300]
    assert not [text for text in texts if card_numbers({"address": text})]


def test_a_long_text_of_numbers_is_looked_through_at_once() -> None:
    """The work grows with the text and no faster: counted, as seconds depend on the machine."""
    text = "4 " * 30_000
    found = sum(len(number.findall(text)) for number in card_numbers_module._NUMBERS)
    assert found <= len(text)
