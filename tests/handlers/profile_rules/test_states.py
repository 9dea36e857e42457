"""A state is known by its code, its names and its ISO 3166-2 code, however it is written."""

import pytest

from handlers.profile_rules import problems_of
from handlers.profile_rules.countries import country_of, state_in


@pytest.mark.parametrize(
    ("country", "written", "code"),
    [
        ("US", "CA", "CA"),
        ("US", "ca", "CA"),
        ("US", "California", "CA"),
        ("US", "US-CA", "CA"),
        ("US", "PR", "PR"),
        ("CA", "Québec", "QC"),
        ("CA", "quebec", "QC"),
        ("AU", "New South Wales", "NSW"),
        ("BR", "Sao Paulo", "SP"),
        ("IT", "Roma", "RM"),
        ("ES", "Madrid", "M"),
        ("MX", "Ciudad de México", "CDMX"),
        ("MX", "CMX", "CDMX"),
        ("IN", "maharashtra", "Maharashtra"),
        ("IN", "MH", "Maharashtra"),
        ("JP", "Tokyo", "東京都"),
        ("JP", "東京", "東京都"),
        ("JP", "JP-13", "東京都"),
        ("CN", "Beijing", "北京市"),
        ("KR", "Seoul", "서울특별시"),
        ("AE", "Dubai", "إمارة دبيّ"),
        ("IE", "Dublin", "Co. Dublin"),
        ("ID", "Jakarta", "DKI Jakarta"),
        ("HK", "hong kong", "Hong Kong Island"),
        ("TR", "istanbul", "İstanbul"),
    ],
)
def test_a_state_is_known_by_any_of_its_names(country: str, written: str, code: str) -> None:
    rules = country_of(country)
    assert rules is not None
    assert state_in(rules, written) == code


@pytest.mark.parametrize(
    ("country", "written"), [("US", "Carolina"), ("US", "York"), ("CN", "Shi"), ("DE", "BY")]
)
def test_half_a_name_or_none_of_the_countrys_is_no_state(country: str, written: str) -> None:
    rules = country_of(country)
    assert rules is not None
    assert state_in(rules, written) is None


@pytest.mark.parametrize(
    ("country", "state"), [("US", "Narnia"), ("CA", "CA"), ("AU", "TX"), ("BR", "XX"), ("IN", "Punjabistan")]
)
def test_a_state_must_exist_where_it_can_be_written_in_one_way_only(country: str, state: str) -> None:
    [problem] = problems_of({"country": country, "state": state}, {"state"})
    assert problem.pointer == "/state"
    assert state not in problem.message.split()


@pytest.mark.parametrize(("country", "state"), [("RU", "Moscow"), ("CN", "Inner Mongolia"), ("TR", "Smyrna")])
def test_a_foreign_name_of_a_state_is_not_refused(country: str, state: str) -> None:
    assert problems_of({"country": country, "state": state}, {"state"}) == ()


@pytest.mark.parametrize("country", ["US", "CA", "AU", "IN", "JP", "ES", "AE"])
def test_a_state_is_asked_for_where_an_address_needs_one(country: str) -> None:
    assert [p.pointer for p in problems_of({"country": country}, {"state"})] == ["/state"]


@pytest.mark.parametrize("country", ["DE", "GB", "FR", "SG", "TR"])
def test_no_state_is_asked_for_where_an_address_does_without(country: str) -> None:
    assert problems_of({"country": country}, {"state"}) == ()
