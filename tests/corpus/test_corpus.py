"""Whatever once travelled is understood for ever, and says what it always said."""

from pathlib import Path

import pytest

from tests.corpus import entries
from tests.corpus.__main__ import main
from topics.registry import MESSAGE_TYPES


@pytest.mark.parametrize("path", entries.paths(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_old_message_reads_as_it_always_did(path: Path) -> None:
    entry = entries.load(path)
    assert path.parent.name == entry.type
    assert entries.read(entry) == entry.reads_as


def test_every_message_type_is_in_the_corpus() -> None:
    missing = MESSAGE_TYPES.keys() - {entry.type for entry in entries.entries()}
    assert not missing, "run: python -m tests.corpus add"


def test_adding_the_examples_twice_adds_nothing(tmp_path: Path) -> None:
    assert len(entries.add_examples(tmp_path)) == len(MESSAGE_TYPES)
    assert entries.add_examples(tmp_path) == []


def test_an_entry_is_never_written_over(tmp_path: Path) -> None:
    path = entries.add("billing.profiles.patch.v1", "nulls", '{"billing_email":null}', tmp_path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        entries.add("billing.profiles.patch.v1", "nulls", "{}", tmp_path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("message_type", "body"),
    [
        ("billing.profiles.patch.v0", "{}"),
        ("billing.profiles.patch.v1", '{"town": "Berlin"}'),
        ("billing.profiles.patch.v1", "not json"),
    ],
)
def test_what_cannot_be_read_does_not_become_an_entry(message_type: str, body: str, tmp_path: Path) -> None:
    with pytest.raises(entries.UnreadableError):
        entries.add(message_type, "bad", body, tmp_path)
    assert entries.paths(tmp_path) == []


def test_a_field_that_a_model_forgets_is_noticed(tmp_path: Path) -> None:
    entry = entries.load(entries.add("billing.accounts.lock.v1", "one", '{"reason":"r"}', tmp_path))
    spoiled = entries.Entry(entry.headers, '{"cause":"r"}', entry.timestamp_ms, entry.reads_as)
    with pytest.raises(entries.UnreadableError, match="/cause"):
        entries.read(spoiled)


def test_the_tool_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "python -m tests.corpus add" in capsys.readouterr().out
    assert main(["add", "billing.nothing.do.v1", "x", "{}"]) == 1
    assert "Not added: there is no type billing.nothing.do.v1" in capsys.readouterr().out
