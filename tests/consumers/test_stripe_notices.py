"""What events mean for Stripe, read tolerantly."""

from collections.abc import Sequence

import orjson
import pytest

from consumers.stripe_notices import Notice, noticed
from topics.accounts import AccountErased, AccountLocked, AccountOpened, AccountTypeChanged, FlagsChanged
from topics.codec import Reason
from topics.message import Event, Record, Urgency
from topics.profiles import ProfileChanged, ProfileDeleted
from topics.stripe_customers import StripeCustomerLinked, StripeCustomerMerged, StripeSyncRequested

ACCOUNT, OTHER = "a" * 32, "b" * 32
NOTICE = Notice(False, "the-command")


def record(
    event: type[Event], account: str = ACCOUNT, body: bytes | None = b"{}", **headers: bytes | None
) -> Record:
    """An event as it is read."""
    given = {
        "ce_type": event.type.encode(),
        "ce_subject": account.encode(),
        "ce_causationid": b"the-command",
        **headers,
    }
    return Record("billing.events.v1", 0, 0, 0, account.encode(), body, tuple(given.items()))


def linked(**body: object) -> Record:
    return record(StripeCustomerLinked, body=orjson.dumps(body))


@pytest.mark.parametrize(
    "event",
    [
        AccountErased,
        AccountTypeChanged,
        FlagsChanged,
        ProfileChanged,
        ProfileDeleted,
        StripeCustomerMerged,
    ],
)
def test_what_changes_the_customer_asks_to_look_at_the_account(event: type[Event]) -> None:
    assert noticed([record(event)]).accounts == {ACCOUNT: NOTICE}


@pytest.mark.parametrize("event", [AccountOpened, AccountLocked])
def test_what_does_not_concern_stripe_is_passed_over(event: type[Event]) -> None:
    found = noticed([record(event, body=b"\xff")])
    assert (found.accounts, found.rejected) == ({}, [])


def test_a_batch_asks_once_for_an_account_and_keeps_a_request_to_sync() -> None:
    batch = [
        record(ProfileChanged),
        record(StripeSyncRequested),
        record(FlagsChanged),
        record(ProfileDeleted, OTHER),
    ]
    assert noticed(batch).accounts == {
        ACCOUNT: Notice(True, "the-command", Urgency.CUSTOMER),
        OTHER: NOTICE,
    }


@pytest.mark.parametrize(
    ("words", "urgency"),
    [
        ((b"sweep",), Urgency.SWEEP),
        ((b"sweep", b"webhook", b"sweep"), Urgency.WEBHOOK),
        ((b"sweep", None), Urgency.WEBHOOK),
        ((b"sweep", b"\xff"), Urgency.WEBHOOK),
        ((b"customer",), Urgency.WEBHOOK),
    ],
)
def test_an_account_is_as_urgent_as_the_most_urgent_of_its_events_and_gives_way_to_who_waits(
    words: Sequence[bytes | None], urgency: Urgency
) -> None:
    batch = [record(ProfileChanged, ce_urgency=word) for word in words]
    assert noticed(batch).accounts == {ACCOUNT: Notice(False, "the-command", urgency)}


@pytest.mark.parametrize("word", [b"sweep", b"customer"])
def test_a_sync_that_was_asked_for_is_as_urgent_as_whoever_asked(word: bytes) -> None:
    found = noticed([record(StripeSyncRequested, ce_urgency=word)])
    assert found.accounts == {ACCOUNT: Notice(True, "the-command", Urgency[word.decode().upper()])}


def test_a_link_names_the_customers_that_may_be_shared() -> None:
    found = noticed([linked(customer_id="cus_new", before="cus_old", version=2)])
    assert (found.customers, found.left) == ({"cus_new": "the-command"}, {"cus_old": "the-command"})
    assert noticed([linked(customer_id="cus_new", before=None, version=1)]).left == {}


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"customer_id": 7}',
        b'{"customer_id": ""}',
        b'{"customer_id": "cus_1", "before": 7}',
        b'{"customer_id": "a\\u0000b"}',
    ],
)
def test_a_link_that_can_not_be_read_is_a_dead_letter_and_its_account_is_looked_at_all_the_same(
    body: bytes | None,
) -> None:
    found = noticed([record(StripeCustomerLinked, body=body)])
    assert found.accounts == {ACCOUNT: NOTICE}
    assert [rejected.reason for rejected in found.rejected] == [Reason.BAD_BODY]
    assert found.customers == {}


@pytest.mark.parametrize("subject", [None, b"", b"\xff\xfe", b"A" * 32, b"a" * 33])
def test_an_event_of_no_account_is_a_dead_letter(subject: bytes | None) -> None:
    found = noticed([record(ProfileChanged, ce_subject=subject)])
    assert [rejected.reason for rejected in found.rejected] == [Reason.BAD_KEY]
    assert found.accounts == {}


@pytest.mark.parametrize("cause", [None, b"", b"\xff", b"a\x00b", b"x" * 300])
def test_a_cause_that_can_not_be_kept_is_left_out(cause: bytes | None) -> None:
    found = noticed([record(ProfileChanged, ce_causationid=cause)]).accounts[ACCOUNT].cause
    assert found is None or (found.isprintable() and len(found) <= 255)


def test_headers_that_are_not_text_do_no_harm() -> None:
    assert noticed([record(ProfileChanged, traceparent=b"\xff\xfe", other=None)]).accounts == {
        ACCOUNT: NOTICE
    }
    assert noticed([record(ProfileChanged, ce_type=b"\xff\xfe")]).accounts == {}
