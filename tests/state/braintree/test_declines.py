"""Which declines of Braintree's are for good, and what a customer is told."""

import pytest

from state.braintree.declines import CONNECT_AGAIN, PERMANENT, declined


@pytest.mark.parametrize("code", ["2004", "2023", "2070", "2071", "2076", "2077", "2085", "2088", "2107"])
def test_a_hard_decline_is_for_good(code: str) -> None:
    assert declined(code, "no").permanent


@pytest.mark.parametrize("code", ["2000", "2016", "2062", "2092", "2099", "2101", "2104", "2106", "2109"])
def test_a_soft_decline_is_not(code: str) -> None:
    assert not declined(code, "no").permanent
    assert code not in PERMANENT


@pytest.mark.parametrize("code", ["93107", "93108", "82902", "2070"])
def test_who_has_to_connect_paypal_again_is_told_so_and_nothing_else(code: str) -> None:
    found = declined(code, "no")
    assert found.advice == CONNECT_AGAIN
    assert "onnect" not in found.sentence.replace("Disconnect", "")


def test_a_payer_is_not_blamed_for_the_account_of_the_payee() -> None:
    assert "payer" not in declined("2071", "no").sentence
