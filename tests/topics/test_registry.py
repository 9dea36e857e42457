"""Every message type has one model, by which the codec reads it."""

import runpy
from typing import ClassVar

import pytest

from topics import accounts, profiles, registry
from topics.message import Command


class DeletedTwice(Command):
    """Somebody's copy of a message that is there already."""

    type: ClassVar = profiles.DeleteProfile.type


def test_a_second_message_of_a_type_stops_the_process_at_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "MESSAGES", (*accounts.MESSAGES, DeletedTwice))
    with pytest.raises(ValueError, match="two messages have one type"):
        runpy.run_path(registry.__file__)
