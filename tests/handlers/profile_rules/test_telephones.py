"""A telephone number is one that can be dialled from abroad."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    ValidationResult,
    is_possible_number_with_reason,
    parse,
)

from handlers.profile_rules import e164, telephones
from handlers.profile_rules.countries import country_of
from handlers.profile_rules.telephones import example_telephone, is_telephone

INTERNATIONAL = st.builds(
    lambda code, rest: f"+{code}{rest}",
    st.sampled_from(sorted(COUNTRY_CODE_TO_REGION_CODE)),
    st.text("0123456789 .-", min_size=4, max_size=18),
)


@pytest.mark.parametrize(
    ("number", "country", "machine"),
    [
        ("+1 415-555-0123", "DE", "+14155550123"),
        ("(415) 555-0123", "US", "+14155550123"),
        ("+1 111-867-5309", "US", "+11118675309"),
        ("+49 89 1234567", "US", "+49891234567"),
        ("089 1234567", "DE", "+49891234567"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+44 (0)20 7946 0958", "GB", "+442079460958"),
        ("03-1234-5678", "JP", "+81312345678"),
        ("+39 06 1234567", "IT", "+39061234567"),
        ("+1 415 555 0123 ext. 12", "US", "+14155550123"),
        ("+800 1234 5678", None, "+80012345678"),
    ],
)
def test_a_number_is_written_for_machines(number: str, country: str | None, machine: str) -> None:
    assert is_telephone(number, country)
    assert e164(number, country) == machine


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("12", "US"),
        ("555-0123", "US"),
        ("089 1234567", None),
        ("089 1234567", "XX"),
        ("+999 123 456 789", "US"),
        ("+1 415 555 01234", "US"),
        ("call me", "US"),
        ("+", "US"),
        ("\ud800", "US"),
    ],
)
def test_what_cannot_be_dialled_from_abroad_is_refused(number: str, country: str | None) -> None:
    assert not is_telephone(number, country)
    assert e164(number, country) is None


@settings(deadline=None)
@given(INTERNATIONAL)
def test_what_is_accepted_quickly_the_library_accepts_too(number: str) -> None:
    if telephones._is_plain(number):
        assert is_possible_number_with_reason(parse(number)) == ValidationResult.IS_POSSIBLE
        machine = e164(number, None)
        assert machine is not None
        assert len(machine) <= 16


@settings(deadline=None)
@given(st.sampled_from(["US", "DE", "GB", "JP", "BR", "IT", "IN", "AX", "CX"]))
def test_the_example_of_a_country_is_accepted_there(country: str) -> None:
    assert country_of(country)
    assert is_telephone(example_telephone(country), country)
