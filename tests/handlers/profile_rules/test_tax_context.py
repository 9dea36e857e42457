"""The tax context gives the facts a tax rests on, in one spelling."""

import pytest

from handlers.profile_rules import StripeTaxId, stripe_tax_id, tax_context

GERMAN_NUMBER = "DE 136 695 976"


def test_a_customer_is_where_the_address_is() -> None:
    context = tax_context({"country": "us", "state": "California", "zipcode": "94107"})
    assert (context.country, context.state, context.postal_code, context.location) == (
        "US",
        "CA",
        "94107",
        "US-CA",
    )
    assert (context.is_business, context.eu_member, context.tax_id, context.tax_id_valid) == (
        False,
        False,
        None,
        None,
    )


def test_a_country_without_state_codes_is_its_own_location() -> None:
    assert tax_context({"country": "JP", "state": "Tokyo"}).location == "JP"
    assert tax_context({"country": "DE", "state": "Bavaria"}).location == "DE"
    assert tax_context({}).location is None


def test_the_tax_id_is_read_with_its_kind_and_issuer() -> None:
    context = tax_context({"country": "FR", "vat": GERMAN_NUMBER})
    assert (context.tax_id, context.tax_id_type, context.tax_id_valid) == ("DE136695976", "eu_vat", True)
    assert context.tax_id_country == "DE"
    assert context.is_business


def test_greek_and_northern_irish_numbers_are_of_greece_and_the_united_kingdom() -> None:
    assert tax_context({"country": "GR", "vat": "EL 094259216"}).tax_id_country == "GR"
    assert tax_context({"country": "GB", "vat": "XI 980 7806 84"}).tax_id_country == "GB"


@pytest.mark.parametrize(
    ("country", "vat", "seller", "candidate"),
    [
        ("DE", GERMAN_NUMBER, "IE", True),
        ("DE", GERMAN_NUMBER, "US", True),
        ("DE", GERMAN_NUMBER, None, True),
        ("DE", GERMAN_NUMBER, "DE", False),
        ("FR", GERMAN_NUMBER, "FR", False),
        ("FR", GERMAN_NUMBER, "DE", False),
        ("DE", "DE136695978", "IE", False),
        ("DE", None, "IE", False),
        ("GB", "XI980780684", "IE", False),
        ("US", "04-2103594", "IE", False),
    ],
)
def test_the_charge_may_be_reversed_between_two_member_states(
    country: str, vat: str | None, seller: str | None, candidate: bool
) -> None:
    context = tax_context({"country": country, "vat": vat}, seller_country=seller)
    assert context.reverse_charge_candidate is candidate


@pytest.mark.parametrize(
    ("fields", "business"),
    [
        ({"company": "Acme"}, True),
        ({"country": "US", "vat": "04-2103594"}, True),
        ({"country": "AF", "vat": "1234567890"}, True),
        ({"country": "BR", "vat": "390.533.447-05"}, False),
        ({"country": "DE", "vat": "nonsense"}, False),
        ({"first_name": "Ada", "country": "DE"}, False),
    ],
)
def test_a_business_has_a_company_name_or_a_tax_id_that_persons_do_not_have(
    fields: dict[str, str | None], business: bool
) -> None:
    assert tax_context(fields).is_business is business


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"country": "US", "vat": "042103594"}, StripeTaxId("us_ein", "04-2103594")),
        ({"country": "CH", "vat": "CHE107787577 MWST"}, StripeTaxId("ch_vat", "CHE-107.787.577 MWST")),
        ({"country": "BR", "vat": "16727230000197"}, StripeTaxId("br_cnpj", "16.727.230/0001-97")),
        ({"country": "DE", "vat": "136695976"}, StripeTaxId("eu_vat", "DE136695976")),
        ({"country": "DE", "vat": "nonsense"}, None),
        ({"country": "AF", "vat": "1234567890"}, None),
        ({"country": "DE"}, None),
    ],
)
def test_stripe_is_given_the_number_as_it_writes_it(
    fields: dict[str, str | None], expected: StripeTaxId | None
) -> None:
    assert stripe_tax_id(fields) == expected
