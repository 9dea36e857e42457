"""What looks like a card number is not taken in, and what a processor calls something is."""

import pytest

from producers.card_numbers import card_numbers


@pytest.mark.parametrize(
    "text", ["4242424242424242", "4242 4242 4242 4242", "my card is 4242-4242-4242-4242!"]
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
