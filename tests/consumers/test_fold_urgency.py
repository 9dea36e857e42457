"""How urgent what follows is: as its lane, or as the message itself says, told on with events and effects."""

from typing import Final
from uuid import uuid4

import pytest
from uuid6 import uuid7

from consumers import fold as fold_module
from consumers.fold import Fold, Loaded, Suspicion
from consumers.lane import LANES
from handlers.decision import Applied
from handlers.payment_effects import align_stripe, attach
from state.postgres.effects import QUIET
from tests.consumers.test_fold import known
from tests.handlers.worlds import START
from tests.topics.messages import ACTOR, record_of
from topics.accounts import AccountOpened, AccountType, SetFlag
from topics.codec import decode
from topics.message import Envelope, Kind, Received, Urgency

ACCOUNT: Final = uuid4().hex
DECISION: Final = Applied(
    events=(AccountOpened(account_type=AccountType.PAY_GO, version=1),),
    effects=(align_stripe(), attach("the-method", payment_method="pm_1", setup_intent=None)),
)


def folded(lane: str, said: Urgency | None, monkeypatch: pytest.MonkeyPatch) -> Fold:
    """What a lane makes of a message that asks for two effects and tells of an event."""
    monkeypatch.setattr(fold_module, "decide", lambda *_: DECISION)
    message = SetFlag(flag="bad_debt")
    envelope = Envelope(uuid7(), message.type, ACCOUNT, ACTOR, urgency=said)
    (received,) = decode([record_of(message, envelope=envelope)], frozenset(Kind))
    assert isinstance(received, Received)
    fold = Fold(LANES[lane], Loaded({ACCOUNT: known(ACCOUNT)}, frozenset(), {}, {}), START, Suspicion())
    fold.take(received)
    return fold


@pytest.mark.parametrize(
    ("lane", "said", "urgency"),
    [
        ("commands", None, Urgency.CUSTOMER),
        ("facts", None, Urgency.WEBHOOK),
        ("bulk", None, Urgency.SWEEP),
        ("facts", Urgency.CUSTOMER, Urgency.CUSTOMER),
        ("facts", Urgency.SWEEP, Urgency.SWEEP),
        ("commands", Urgency.SWEEP, Urgency.SWEEP),
    ],
)
def test_effects_and_events_are_as_urgent_as_what_asked_for_them(
    lane: str, said: Urgency | None, urgency: Urgency, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = folded(lane, said, monkeypatch).rows
    assert [one.urgency for one in rows.effects] == [urgency, urgency]
    told = f'["ce_urgency","{urgency.name.lower()}"]'
    assert (told in rows.outbox[0][3]) is (urgency is not Urgency.CUSTOMER)


@pytest.mark.parametrize(("lane", "quiet"), [("commands", None), ("facts", QUIET), ("bulk", QUIET)])
def test_only_what_may_settle_does_and_only_where_nobody_waits(
    lane: str, quiet: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    align, attached = folded(lane, None, monkeypatch).rows.effects
    assert (align.quiet, attached.quiet) == (quiet, None)
