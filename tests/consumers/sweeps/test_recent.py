"""Which accounts an event makes suspect."""

import pytest

from consumers.sweeps.recent import _older
from handlers.ordering import Seen
from state.stripe.events import Event
from tests.handlers.payment_worlds import at

EVENT = Event("evt_2", "payment_method.detached", at(5), "cus_A", {})


@pytest.mark.parametrize(
    ("seen", "suspect"),
    [
        (None, True),
        (Seen(at(4), "evt_1"), True),
        (Seen(at(5), "evt_1"), True),
        (Seen(at(5), "evt_2"), False),
        (Seen(at(6), None), False),
    ],
)
def test_an_account_is_suspect_unless_it_heard_of_the_very_event_or_of_a_later_one(
    seen: Seen | None, suspect: bool
) -> None:
    assert _older(seen, EVENT) is suspect
