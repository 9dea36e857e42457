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


def test_a_side_without_the_object_says_so() -> None:
    assert (store.value(None), store.value("")) == ("(none)", "")
