"""Everything wrong with a profile is said at once, by field, with what to do and without what was typed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.profile_rules import FIELDS, normalise, problems, problems_of
from handlers.profile_rules.countries import country_of

AMERICAN: dict[str, str | None] = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "company": "Analytical Engines Inc.",
    "address": "123 3rd St.",
    "address2": "Apt 123",
    "city": "San Francisco",
    "state": "CA",
    "zipcode": "94107",
    "country": "US",
    "telephone": "+1 111-867-5309",
    "vat": "04-2103594",
    "tax_id_type": "us_ein",
    "billing_email": "billing@example.com",
    "secondary_billing_email": "books@example.com",
    "preferred_locale": "en-US",
}
GERMAN: dict[str, str | None] = {
    "company": "Müller GmbH",
    "address": "Unter den Linden 1",
    "city": "Berlin",
    "zipcode": "10117",
    "country": "DE",
    "telephone": "030 1234567",
    "vat": "DE 136 695 976",
    "billing_email": "rechnung@müller.de",
    "preferred_locale": "de",
}


def pointers(fields: dict[str, str | None]) -> list[str]:
    return [problem.pointer for problem in problems(fields)]


@pytest.mark.parametrize("profile", [AMERICAN, GERMAN])
def test_a_whole_profile_may_be_kept(profile: dict[str, str | None]) -> None:
    assert problems(normalise(profile)) == ()


def test_the_documented_example_of_the_public_api_may_be_kept_but_for_its_tax_id() -> None:
    documented = {**AMERICAN, "zipcode": "12345", "vat": "aaa-123-987", "tax_id_type": None}
    assert pointers(documented) == ["/vat"]


def test_an_empty_profile_is_told_what_it_needs() -> None:
    assert pointers({}) == ["/first_name", "/address", "/city", "/country"]


def test_everything_wrong_is_said_at_once_in_the_order_of_the_fields() -> None:
    wrong: dict[str, str | None] = {
        "first_name": "a\x00",
        "last_name": "b" * 101,
        "address": "1 Main St",
        "city": "Springfield",
        "state": "Narnia",
        "zipcode": "1",
        "country": "US",
        "telephone": "12",
        "vat": "1",
        "tax_id_type": "xx_vat",
        "billing_email": "nobody",
        "secondary_billing_email": "no body@example.com",
        "preferred_locale": "english",
    }
    assert pointers(wrong) == [
        f"/{name}" for name in FIELDS if name in wrong and name not in {"address", "city", "country", "vat"}
    ]


@pytest.mark.parametrize("name", ["last_name", "company"])
def test_one_name_is_enough(name: str) -> None:
    assert problems_of({name: "Ada"}, {"first_name"}) == ()


@pytest.mark.parametrize("country", ["XX", "ZZ", "EU", "U1", "usa", "DEU", "1", "\ud800"])
def test_a_country_must_exist(country: str) -> None:
    [problem] = problems_of({"country": country}, {"country"})
    assert problem.pointer == "/country"


@pytest.mark.parametrize("country", ["US", "DE", "XK", "AX", "HK", "TW"])
def test_a_country_is_two_letters(country: str) -> None:
    assert problems_of({"country": country}, {"country"}) == ()


def test_the_second_address_must_be_another() -> None:
    same = {**AMERICAN, "secondary_billing_email": "Billing@example.com"}
    assert pointers(same) == ["/secondary_billing_email"]


def test_a_change_of_one_address_to_the_other_is_said_of_the_one_that_changes() -> None:
    same = {**AMERICAN, "billing_email": "books@example.com"}
    [problem] = problems_of(same, {"billing_email"})
    assert problem.pointer == "/billing_email"


def test_a_change_of_some_fields_is_not_held_up_by_the_others() -> None:
    old = {**AMERICAN, "zipcode": "no longer valid", "telephone": "12", "preferred_locale": "de"}
    assert problems_of(old, {"preferred_locale", "billing_email"}) == ()


def test_optional_fields_may_be_empty() -> None:
    assert (
        problems_of({}, {"billing_email", "secondary_billing_email", "preferred_locale", "telephone", "vat"})
        == ()
    )


def test_a_telephone_number_without_a_plus_is_one_of_the_country() -> None:
    assert problems_of({"country": "DE", "telephone": "030 1234567"}, {"telephone"}) == ()
    [problem] = problems_of({"country": "US", "telephone": "030 123"}, {"telephone"})
    assert "+1 201-555-0123" in problem.message


def test_a_text_too_long_to_be_read_is_only_said_to_be_too_long() -> None:
    endless = dict.fromkeys(FIELDS, "9" * 100_000)
    assert {problem.message.split()[0] for problem in problems(normalise(endless))} == {"Shorten"}


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_problem_never_repeats_what_was_typed(name: str) -> None:
    typed = "Xq7 zzyzx@@ \x01"
    for problem in problems({"country": "US", name: typed}):
        assert "zzyzx" not in problem.message.lower()


@settings(deadline=None, max_examples=300)
@given(
    st.dictionaries(st.sampled_from([*FIELDS, "unknown"]), st.one_of(st.none(), st.text(max_size=50))),
    st.one_of(st.none(), st.text("ABDEGRSUX", min_size=2, max_size=2)),
)
def test_any_text_is_judged_without_a_stumble(fields: dict[str, str | None], country: str | None) -> None:
    found = problems({**fields, "country": country})
    order = [list(FIELDS).index(problem.pointer[1:]) for problem in found]
    assert order == sorted(set(order))
    assert all(problem.message.endswith(".") for problem in found)
    assert ("/country" in [problem.pointer for problem in found]) == (country_of(country) is None)
