"""The normal form changes no meaning and is its own normal form."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from handlers.profile_rules import FIELDS, normalise, problems

COUNTRIES = st.sampled_from(["US", "us", "DE", "gb", "FR", "BR", "CH", "JP", "XX", "ß", "", "ı"])  # noqa: RUF001
TAX_IDS = st.sampled_from(
    ["DE 136 695 976", "136695976", "GB980780684", "XI980780684", "04-2103594", "nonsense"]
)
PROFILES = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.one_of(st.none(), st.text(max_size=30)) for name in FIELDS},
        "country": st.one_of(st.none(), COUNTRIES, st.text(max_size=3)),
        "vat": st.one_of(st.none(), TAX_IDS, st.text(max_size=20)),
        "tax_id_type": st.one_of(st.none(), st.sampled_from(["EU_VAT", "gb_vat", "us_ein", "x"])),
        "billing_email": st.one_of(st.none(), st.emails(), st.text(max_size=30)),
        "preferred_locale": st.one_of(
            st.none(), st.sampled_from(["en_us", "DE", "zh-cmn"]), st.text(max_size=12)
        ),
    },
)


def test_only_the_spelling_changes() -> None:
    typed = {
        "first_name": "  Zoe\u0308 ",
        "company": "",
        "address": " 1  main street",
        "zipcode": "k1a 0b1",
        "country": "ca",
        "telephone": " (613) 555-0123 ",
        "vat": "12302 6635 RT 0001",
        "tax_id_type": "CA_GST_HST",
        "billing_email": "Zoe@EXAMPLE.com",
        "preferred_locale": "fr_ca",
    }
    assert normalise(typed) == {
        "first_name": "Zoë",
        "company": None,
        "address": "1  main street",
        "zipcode": "k1a 0b1",
        "country": "CA",
        "telephone": "(613) 555-0123",
        "vat": "123026635RT0001",
        "tax_id_type": "ca_gst_hst",
        "billing_email": "Zoe@example.com",
        "preferred_locale": "fr-CA",
    }


def test_a_field_that_was_not_given_stays_so() -> None:
    assert normalise({"billing_email": "a@example.com"}) == {"billing_email": "a@example.com"}


def test_a_letter_that_grows_in_upper_case_makes_no_country() -> None:
    assert normalise({"country": "ß"}) == {"country": "ß"}


def test_what_cannot_be_read_is_left_as_it_was_typed() -> None:
    typed: dict[str, str | None] = {
        "country": "DE",
        "vat": "DE 1",
        "billing_email": "A@",
        "preferred_locale": "??",
    }
    assert normalise(typed) == typed


@settings(deadline=None)
@given(PROFILES)
def test_the_normal_form_is_its_own_normal_form(fields: dict[str, str | None]) -> None:
    once = normalise(fields)
    assert once.keys() == fields.keys()
    assert normalise(once) == once


@settings(deadline=None)
@given(PROFILES)
def test_what_was_right_stays_right_in_the_normal_form(fields: dict[str, str | None]) -> None:
    normal = normalise(fields)
    # A country, kind or address that only its normal form is known by is judged for the first time there.
    assume(all(normal.get(name) == fields.get(name) for name in ("country", "tax_id_type", "billing_email")))
    assume(not any(value and not value.strip() for value in fields.values()))
    wrong = {problem.pointer for problem in problems(normal)}
    assert wrong <= {problem.pointer for problem in problems(fields)}
