"""What Stripe did and its customer has to finish is an answer of its own; everything else is not."""

import httpx
import pytest

from state.stripe import customers, setup_intents
from state.stripe.answers import Done, NeedsCustomer
from state.stripe.client import Caller
from state.stripe.setup_intents import MICRODEPOSITS, SetupIntent
from tests.stripe_double import Double

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


async def confirmed(ask: Caller, method: str, kind: str = "card") -> Done[SetupIntent]:
    """A setup of this method for a new customer."""
    made = await customers.create(ask, {"email": "ada@example.com"}, key=f"c-{method}")
    assert isinstance(made, Done)
    params = setup_intents.confirmed(made.value.id, method, kind, {"account_id": "a" * 32})
    answer = await setup_intents.create(ask, params, key=f"s-{method}")
    assert isinstance(answer, Done)
    return answer


async def test_a_setup_that_waits_for_its_customer_says_so_until_it_does_not(
    ask: Caller, double: Double
) -> None:
    made = await confirmed(ask, "pm_card_threeDSecure2Required")
    found = await setup_intents.retrieve(ask, made.value.id)
    for answer in (made, found):
        match answer:
            case NeedsCustomer(intent, action=action):
                assert (intent.id, action) == (made.value.id, "use_stripe_sdk")
            case _:
                pytest.fail(f"{answer} is not the customer's turn")
    done_by_them = f"{double.url}/authenticate/{made.value.id}"
    assert httpx.post(done_by_them, params={"outcome": "complete"}, trust_env=False).is_success
    assert type(await setup_intents.retrieve(ask, made.value.id)) is Done


async def test_a_repeated_key_says_it_again(ask: Caller) -> None:
    first, again = [await confirmed(ask, "pm_card_threeDSecure2Required") for _ in range(2)]
    assert isinstance(first, NeedsCustomer)
    assert isinstance(again, NeedsCustomer)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.value.id == first.value.id


async def test_what_is_kept_or_open_or_cancelled_is_nobodys_turn(ask: Caller) -> None:
    kept = await confirmed(ask, "pm_card_visa")
    assert type(kept) is Done
    customer_id = str(kept.value.customer_id)
    opened = await setup_intents.create(ask, setup_intents.opened(customer_id, {}), key="o")
    assert type(opened) is Done
    waits = await confirmed(ask, "pm_card_threeDSecure2Required")
    assert type(await setup_intents.cancel(ask, waits.value.id, key="x")) is Done
    page = await setup_intents.listed(ask, customer_id, created_from=kept.value.created)  # type: ignore[arg-type]
    assert type(page) is Done


async def test_small_deposits_are_an_action_of_their_own(ask: Caller) -> None:
    account = await ask.stripe.sdk.v1.payment_methods.create_async(
        {
            "type": "us_bank_account",
            "billing_details": {"name": "Ada Lovelace", "email": "ada@example.com"},
            "us_bank_account": {
                "account_number": "000123456789",
                "routing_number": "110000000",
                "account_holder_type": "individual",
            },
        }
    )
    answer = await confirmed(ask, account.id, "us_bank_account")
    assert isinstance(answer, NeedsCustomer)
    assert answer.action == MICRODEPOSITS
