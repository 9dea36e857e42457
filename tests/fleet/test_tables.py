"""Tables of the command line on a narrow terminal."""

import pytest

from fleet.cli import store


def test_the_name_of_a_field_is_broken_at_its_dots_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WIDE", 100)
    row = (
        "a" * 32,
        "subscriptions.sub_1PzXq5LkdIwHu7ix.collection_method",
        "charge_automatically",
        "send_invoice",
    )
    store.show("Differences", ("account", "field", "ours", "theirs"), [row], empty="")
    lines = capsys.readouterr().out
    for word in ("subscriptions.", "sub_1PzXq5LkdIwHu7ix.", "collection_method"):
        assert word in lines


HISTORY = ("field", "ours", "theirs", "cause", "since", "seen", "repair", "over")
LONG = (
    *("subscriptions.sub_qBz4oECHCLgnCzApUGOi1xHw.collection_method", "send_invoice, 7 days"),
    *("charge_automatically, charged to pm_1PzXq1LkdIwHu7ixYzAbCdEf", "changed_at_processor"),
    *("2026-11-29 16:26:36", "8 min", "01a22828-9f30-7b67-8a2c-0123456789ab", "2 min"),
)


@pytest.mark.parametrize("width", [80, 100, 120, 160, 180, 200, 240, store.WIDE])
def test_no_column_is_lost_however_wide_the_screen_is(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WIDE", width)
    store.show("Differences", HISTORY, [LONG], empty="")
    _, top, *lines = capsys.readouterr().out.splitlines()
    assert len(top) <= width
    assert [(len(line), line[-1]) for line in lines if line[-1] not in "\u2503\u2502\u2529\u2518"] == []
    heads = [cell.strip() for cell in lines[0].strip("\u2503").split("\u2503")]
    assert len(heads) == len(HISTORY)
    assert heads[-1].startswith("ov")


def test_whoever_reads_a_pipe_gets_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    store.show("Differences", HISTORY, [LONG], empty="")
    (line,) = [one for one in capsys.readouterr().out.splitlines() if "subscriptions." in one]
    assert [cell.strip() for cell in line.strip("\u2502").split("\u2502")] == list(LONG)


def test_a_side_without_the_object_says_so() -> None:
    assert (store.value(None), store.value("")) == ("(none)", "")
