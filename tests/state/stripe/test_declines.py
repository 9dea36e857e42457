"""Which declines are for good, and what a customer hears of them."""

import pytest
import stripe

from state.stripe.answers import Declined
from state.stripe.declines import AUTHENTICATE, DECLINED, declined
from state.stripe.failures import understood


def card_error(code: str, decline_code: str | None = None) -> Declined:
    error = {"type": "card_error", "code": code, "decline_code": decline_code, "message": "Stripe's words"}
    found = stripe.CardError(  # type: ignore[no-untyped-call]
        "Stripe's words", None, code, http_status=402, json_body={"error": error}
    )
    answer = understood(found, {}).answer
    assert isinstance(answer, Declined)
    return answer


@pytest.mark.parametrize("code", ["stolen_card", "lost_card", "fraudulent", "pickup_card"])
def test_a_card_that_is_suspected_is_declined_for_good_without_saying_why(code: str) -> None:
    found = card_error("card_declined", code)
    assert (found.permanent, found.sentence, found.most_exact) == (True, DECLINED, code)


@pytest.mark.parametrize("code", ["insufficient_funds", "try_again_later", "generic_decline", "do_not_honor"])
def test_what_may_go_well_another_day_is_not_for_good(code: str) -> None:
    assert not card_error("card_declined", code).permanent


def test_what_the_customer_can_mend_is_said() -> None:
    assert "security code" in card_error("incorrect_cvc").sentence
    assert "expired" in card_error("expired_card").sentence
    assert card_error("expired_card").permanent


def test_a_failed_authentication_is_a_decline_that_can_be_tried_again() -> None:
    found = declined({"code": "setup_intent_authentication_failure", "message": "Stripe's words"})
    assert (found.permanent, found.most_exact) == (False, "setup_intent_authentication_failure")
    assert "authenticated" in found.sentence


def test_a_decline_is_a_refusal_that_support_can_look_up() -> None:
    assert "card_declined" in card_error("card_declined", "lost_card").reason
    assert not card_error("card_declined").missing


@pytest.mark.parametrize("code", ["authentication_required", "authentication_not_handled"])
def test_a_bank_that_wants_its_customer_has_them_told_so(code: str) -> None:
    found = card_error("card_declined", code)
    assert (found.permanent, found.advice) == (False, AUTHENTICATE)
    assert card_error(code).advice == AUTHENTICATE
    assert card_error("card_declined", "insufficient_funds").advice is None
