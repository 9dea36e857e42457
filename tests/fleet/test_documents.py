"""The documents in docs/ say what the code says."""

import re
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from fleet import documents
from fleet.settings import Settings
from observability import metrics

METRICS = {name: value for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)}


@pytest.mark.parametrize("name", documents.DOCUMENTS)
def test_a_document_is_up_to_date(name: str) -> None:
    assert (documents.FOLDER / name).read_text() == documents.DOCUMENTS[name](), (
        "run: python -m fleet.documents"
    )


def test_the_overview_says_which_documents_are_made_from_the_code() -> None:
    overview = (documents.FOLDER / "README.md").read_text()
    said = overview.partition("`metrics.md`, `settings.md`")
    made = (said[1] + said[2]).partition("are made from the code")[0]
    assert set(re.findall(r"`([\w-]+\.\w+)`", made)) == set(documents.DOCUMENTS)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two documents that are made in no time, in place of those that take seconds."""
    made = {"topics.md": lambda: "# Topics\n", "asyncapi.json": lambda: "{}\n"}
    monkeypatch.setattr(documents, "DOCUMENTS", made)


@pytest.mark.usefixtures("short")
def test_what_is_written_needs_no_writing_again(tmp_path: Path) -> None:
    assert documents.write(tmp_path) == ["topics.md", "asyncapi.json"]
    assert documents.write(tmp_path) == []
    assert documents.differences(tmp_path) == {}


@pytest.mark.usefixtures("short")
def test_a_document_that_was_edited_by_hand_is_told(tmp_path: Path) -> None:
    documents.write(tmp_path)
    (tmp_path / "topics.md").write_text("# Topics by hand\n")
    found = documents.differences(tmp_path)
    assert list(found) == ["topics.md"]
    assert "-# Topics by hand" in found["topics.md"]


def test_the_command_line_knows_two_ways_to_be_called(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(documents, "write", lambda: ["topics.md"])
    monkeypatch.setattr(documents, "differences", lambda: {"topics.md": ["-old", "+new"]})
    assert documents.main([]) == 0
    assert documents.main(["--check"]) == 1
    assert documents.main(["--nonsense"]) == 2
    told = capsys.readouterr().out
    assert "Written: topics.md." in told
    assert "docs/topics.md is out of date" in told


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_a_meaning_and_a_unit_and_bounded_labels(name: str) -> None:
    metric = METRICS[name]
    assert metric._name.startswith("billing_")
    assert metric._documentation.endswith(".")
    assert metrics.unit(metric)
    assert not {"account", "account_id", "command_id", "id"} & set(metric._labelnames)


def test_every_setting_has_a_meaning() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
