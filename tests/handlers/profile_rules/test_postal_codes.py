"""Postal codes are held to the form of their country, and their spelling can be mended on request."""

import pytest

from handlers.profile_rules import problems_of
from handlers.profile_rules.countries import country_of
from handlers.profile_rules.postal_codes import standard_zipcode, states_of_zipcode

FORMS = [
    ("US", "94107", "9410"),
    ("US", "94107-1234", "94107-12"),
    ("CA", "K1A 0B1", "K1A 0O1"),
    ("GB", "SW1A 1AA", "SW1A 1A"),
    ("GB", "B33 8TH", "QQ1 1AA"),
    ("IE", "D02 AF30", "D02"),
    ("DE", "10117", "1011"),
    ("AT", "1010", "10100"),
    ("CH", "8001", "80010"),
    ("FR", "75008", "7500"),
    ("NL", "1234 AB", "0234 AB"),
    ("BE", "1000", "B1000"),
    ("LU", "4750", "47500"),
    ("DK", "1566", "156"),
    ("SE", "114 55", "11 455"),
    ("NO", "0107", "107"),
    ("FI", "00550", "550"),
    ("PL", "00-950", "00950"),
    ("CZ", "100 00", "100 0"),
    ("SK", "010 01", "01001-1"),
    ("HU", "1037", "10370"),
    ("PT", "2725-079", "2725"),
    ("ES", "28039", "2803"),
    ("IT", "00144", "144"),
    ("GR", "151 24", "15-124"),
    ("LT", "04340", "0434"),
    ("LV", "LV-1073", "1073"),
    ("JP", "154-0023", "154-002"),
    ("KR", "03051", "030-51"),
    ("CN", "266033", "26603"),
    ("IN", "110034", "1100"),
    ("SG", "546080", "5460"),
    ("AU", "2060", "20600"),
    ("NZ", "6001", "601"),
    ("BR", "40301-110", "4030-110"),
    ("MX", "02860", "2860"),
    ("ZA", "0083", "83"),
    ("IL", "9614303", "961430"),
    ("TR", "01960", "1960"),
    ("UA", "15432", "1543"),
]


def zipcode_problems(country: str, zipcode: str | None) -> list[str]:
    return [p.message for p in problems_of({"country": country, "zipcode": zipcode}, {"zipcode"})]


@pytest.mark.parametrize(("country", "good", "bad"), FORMS)
def test_a_postal_code_has_the_form_of_its_country(country: str, good: str, bad: str) -> None:
    assert zipcode_problems(country, good) == []
    assert len(zipcode_problems(country, bad)) == 1


@pytest.mark.parametrize("country", ["US", "CA", "GB", "DE", "JP", "BR"])
def test_a_required_postal_code_is_asked_for_with_an_example_that_would_do(country: str) -> None:
    [message] = zipcode_problems(country, None)
    example = message.rstrip(".").split("looks like ")[1]
    assert zipcode_problems(country, example) == []


def test_the_case_of_a_postal_code_is_no_reason_to_refuse_it() -> None:
    assert zipcode_problems("CA", "k1a 0b1") == []


def test_digits_of_another_script_are_no_postal_code() -> None:
    assert zipcode_problems("DE", "١٠١١٧")  # noqa: RUF001


@pytest.mark.parametrize("country", ["HK", "AE", "PA", "BO"])
def test_a_country_without_postal_codes_takes_none_and_anything(country: str) -> None:
    assert zipcode_problems(country, None) == []
    assert zipcode_problems(country, "00000") == []


@pytest.mark.parametrize(
    ("country", "typed", "standard"),
    [
        ("GB", "sw1a1aa", "SW1A 1AA"),
        ("GB", "b338th", "B33 8TH"),
        ("GB", "bfpo 12", "BFPO12"),
        ("CA", "k1a0b1", "K1A 0B1"),
        ("NL", "1234ab", "1234 AB"),
        ("PL", "00950", "00-950"),
        ("PT", "1250 096", "1250-096"),
        ("DE", "D-10117", "10117"),
        ("SE", "SE-114 55", "11455"),
        ("CH", "CH-8001", "8001"),
        ("LV", "1073", "LV-1073"),
        ("US", "94107 1234", "94107-1234"),
        ("JP", "１５４－００２３", "154-0023"),  # noqa: RUF001
        ("IE", "d02af30", "D02 AF30"),
        ("DE", "1011", None),
        ("GB", "nonsense", None),
        ("HK", "999077", None),
    ],
)
def test_a_postal_code_has_one_spelling(country: str, typed: str, standard: str | None) -> None:
    rules = country_of(country)
    assert rules is not None
    assert standard_zipcode(rules, typed) == standard


def test_a_postal_code_says_which_state_it_is_in() -> None:
    rules = country_of("US")
    assert rules is not None
    assert states_of_zipcode(rules, "94107") == {"CA"}
    assert states_of_zipcode(rules, "12345") == {"NY"}
