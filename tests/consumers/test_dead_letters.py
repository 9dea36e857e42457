"""Whatever was received can be published as a dead letter."""

from dataclasses import replace
from uuid import UUID

import pytest

from consumers.dead_letters import asked_for, letter
from state.redis.operations import Underway
from tests.topics.messages import ACCOUNT, record_of
from topics.codec import Reason, Rejected
from topics.profiles import DeleteProfile


@pytest.mark.parametrize(
    ("key", "body", "kept"),
    [
        (ACCOUNT.encode(), None, (ACCOUNT, None)),
        (ACCOUNT.encode(), b"", (ACCOUNT, b"")),
        (None, b"{}", (None, b"{}")),
        (b"no account", None, (None, b"")),
        (None, None, (None, b"")),
    ],
)
def test_a_letter_has_a_key_or_a_body_or_the_relay_could_not_publish_it(
    key: bytes | None, body: bytes | None, kept: tuple[str | None, bytes | None]
) -> None:
    record = replace(record_of(DeleteProfile()), key=key, value=body)
    _, _, found_key, _, found_body = letter(
        Rejected(record, Reason.NO_BODY, "nothing in it"), "billing.commands"
    )
    assert (found_key, found_body) == kept


def test_an_operation_is_read_off_a_record_that_somebody_may_ask_after() -> None:
    record = record_of(DeleteProfile())
    headers = {name: value for name, value in record.headers if name != "ce_replyto"}
    asked = {**headers, "ce_replyto": b"replies:somebody"}
    command_id = UUID((headers["ce_id"] or b"").decode())
    found = asked_for(replace(record, headers=tuple(asked.items()), value=b"nonsense"))
    assert found == (command_id, Underway(ACCOUNT, DeleteProfile.type))
    unreadable = [
        replace(record, headers=tuple(headers.items())),
        replace(record, headers=tuple({**asked, "ce_id": b"\xff"}.items())),
        replace(record, headers=tuple(asked.items()), key=b"no account"),
        replace(record, headers=()),
    ]
    assert [asked_for(one) for one in unreadable] == [None] * 4
