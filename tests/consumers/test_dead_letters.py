"""Whatever was received can be published as a dead letter."""

from dataclasses import replace

import pytest

from consumers.dead_letters import letter
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
