"""What text a field may hold, whatever it means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.profile_rules import FIELDS, Field, problems, problems_of
from handlers.profile_rules.fields import text_problem


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS.keys())
def test_a_text_is_as_long_as_its_field_allows_and_no_longer(field: Field) -> None:
    assert text_problem(field, "x" * field.limit) is None
    message = text_problem(field, "x" * (field.limit + 1))
    assert message is not None
    assert str(field.limit) in message


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b",
        "a\nb",
        "a\tb",
        "\x7f",
        "a\u2028b",
        "\u202egnp",
        "\u2066x",
        "\ud800",
        "\udc00b",
        "\uffff",
        "\ufdd0",
    ],
)
def test_marks_that_no_invoice_can_show_are_refused(text: str) -> None:
    [problem] = problems_of({"company": text}, {"company"})
    assert problem.pointer == "/company"


@pytest.mark.parametrize(
    "text",
    [
        "Müller & Söhne",
        "株式会社\u3000例",
        "می\u200cخواهم",  # noqa: RUF001
        "नि\u200dर्वा",
        "O\u2019Neil",
        "A\u00a0B",
        "🏠 GmbH",
        "שלום",
    ],
)
def test_the_letters_of_every_language_are_welcome(text: str) -> None:
    assert problems_of({"company": text}, {"company"}) == ()


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.text(max_size=60)))
def test_text_that_passes_can_be_sent_and_kept(fields: dict[str, str]) -> None:
    refused = {problem.pointer[1:] for problem in problems(fields)}
    for name in fields.keys() - refused:
        assert "\x00" not in fields[name]
        fields[name].encode("utf-8")
