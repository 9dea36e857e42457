"""Which processes give way to others on their machine."""

import os

import pytest

from fleet.members import BUILDERS
from fleet.priority import BACKGROUND, NICENESS, give_way


@pytest.mark.parametrize(
    ("members", "lowered"),
    [
        (("facts",), [NICENESS]),
        (("bulk", "facts", "webhooks"), [NICENESS]),
        (("sweeps",), [NICENESS]),
        (("commands",), []),
        (("bulk", "commands"), []),
        (("effects", "relay"), []),
    ],
)
def test_only_a_process_that_nobody_waits_for_gives_way(
    members: tuple[str, ...], lowered: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(os, "nice", asked.append)
    give_way(members)
    assert asked == lowered


def test_who_gives_way_exists() -> None:
    assert BUILDERS.keys() >= BACKGROUND
