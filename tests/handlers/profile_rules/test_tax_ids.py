"""Tax ids are held to the form and check digits of their kind, and belong to the country of the address."""

import re
from pathlib import Path

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.eu import vat as stdnum_vat
from stdnum.us import ein as stdnum_ein

from handlers.profile_rules import problems, read_tax_id, tax_id_type
from handlers.profile_rules.eu import HOME_PREFIX, MEMBERS, VAT_EXAMPLES, country_of_prefix
from handlers.profile_rules.tax_id_types import TAX_ID_TYPES, TYPES_OF_COUNTRY, TaxIdType
from handlers.profile_rules.tax_ids import as_stripe_writes

KINDS = pytest.mark.parametrize("kind", TAX_ID_TYPES.values(), ids=TAX_ID_TYPES.keys())

# (country, kind, a valid number as people write it, one with a wrong digit or letter)
NUMBERS = [
    ("AR", "ar_cuit", "20-05536168-2", "20-05536168-3"),
    ("AU", "au_abn", "83-914-571-673", "99 999 999 999"),
    ("BE", "eu_vat", "BE 428759497", "BE 431150351"),
    ("BR", "br_cnpj", "16.727.230/0001-97", "16.727.230/0001-98"),
    ("BR", "br_cpf", "390.533.447-05", "231.002.999-00"),
    ("CA", "ca_gst_hst", "12302 6635 RT 0001", "12302 6636 RT 0001"),
    ("CH", "ch_vat", "CHE-107.787.577 IVA", "CHE-107.787.578 IVA"),
    ("CL", "cl_tin", "76086428-5", "12531909-3"),
    ("CN", "cn_tin", "91110000600037341L", "91110000600037342L"),
    ("CO", "co_nit", "213.123.432-1", "2131234325"),
    ("DE", "eu_vat", "DE 136,695 976", "DE136695978"),
    ("EC", "ec_ruc", "1792060346-001", "1763154690001"),
    ("ES", "es_cif", "B64717838", "B64717839"),
    ("FR", "fr_siret", "732 829 320 00074", "73282932000079"),
    ("GB", "gb_vat", "GB 980 7806 84", "802311781"),
    ("GR", "eu_vat", "EL 094259216", "EL 123456781"),
    ("IL", "il_vat", "516179157", "516179150"),
    ("IN", "in_gst", "27AAPFU0939F1ZV", "27AAPFU0939F1AA"),
    ("IT", "it_cf", "RCCMNL83S18D969H", "RCCMNL83S18D969"),
    ("JP", "jp_cn", "5-8356-7825-6246", "2-8356-7825-6246"),
    ("KR", "kr_brn", "116-82-00276", "123456789"),
    ("MX", "mx_rfc", "MAB-930714-8T4", "MAB-931314-8T4"),
    ("NO", "no_vat", "NO 995 525 828 MVA", "NO 995 525 829 MVA"),
    ("NZ", "nz_gst", "4909185-0", "136410133"),
    ("PE", "pe_ruc", "20512333797", "20512333798"),
    ("PL", "pl_nip", "856-734-62-15", "PL 8567346216"),
    ("RU", "ru_inn", "1234567894", "1234567895"),
    ("SA", "sa_vat", "310122393500003", "110122393500003"),
    ("SG", "sg_uen", "197401143C", "197401143D"),
    ("TH", "th_vat", "1-2345-45678-78-1", "1-2345-45678-78-9"),
    ("TR", "tr_tin", "4540536920", "4540536921"),
    ("TW", "tw_vat", "00501503", "00501502"),
    ("US", "us_ein", "04-2103594", "07-1144442"),
    ("VE", "ve_rif", "V-11470283-4", "V-11470283-3"),
    ("ZA", "za_vat", "4123456789", "5123456789"),
]


def pointers(country: str | None, vat: str | None, kind: str | None = None) -> list[str]:
    """The tax fields that are refused."""
    found = problems({"country": country, "vat": vat, "tax_id_type": kind})
    return [p.pointer for p in found if p.pointer in {"/vat", "/tax_id_type"}]


@pytest.mark.parametrize(("country", "kind", "good", "bad"), NUMBERS)
def test_a_number_has_the_check_digits_of_its_kind(country: str, kind: str, good: str, bad: str) -> None:
    assert pointers(country, good, kind) == []
    assert pointers(country, bad, kind) == ["/vat"]


def test_the_kinds_are_those_of_the_installed_stripe_client() -> None:
    source = (Path(stripe.__file__).parent / "params" / "_customer_create_params.py").read_text("utf-8")
    listed = source.split("class CustomerCreateParamsTaxIdDatum", 1)[1].split("str,\n    ]", 1)[0]
    assert set(re.findall(r'"(\w+)"', listed)) == set(TAX_ID_TYPES)


@KINDS
def test_the_example_of_each_kind_is_valid_and_written_as_stripe_writes_it(kind: TaxIdType) -> None:
    country = min(kind.countries, default="US")
    found = read_tax_id(kind.example, kind.name, "DE" if kind.name == "eu_vat" else country)
    assert found.valid
    assert found.problem is None
    assert as_stripe_writes(found) == kind.example


@KINDS
def test_a_number_once_read_reads_the_same_again(kind: TaxIdType) -> None:
    country = "DE" if kind.name == "eu_vat" else min(kind.countries, default="US")
    first = read_tax_id(kind.example.lower(), kind.name, country)
    assert read_tax_id(first.value, kind.name, country) == first
    found = read_tax_id(kind.example, None, country)
    assert read_tax_id(found.value, None, country).type == found.type


@pytest.mark.parametrize("prefix", VAT_EXAMPLES)
def test_each_member_states_number_is_read_with_and_without_its_prefix(prefix: str) -> None:
    country, number = country_of_prefix(prefix), VAT_EXAMPLES[prefix]
    assert tax_id_type(country, number) == "eu_vat"
    if country in MEMBERS:
        bare = read_tax_id(number[2:], None, country)
        assert (bare.type, bare.value) == ("eu_vat", number)
        assert [p.message for p in problems({"country": country, "vat": "0"}) if number in p.message]


@pytest.mark.parametrize("typed", ["DE136695970", "EE100594100"])
def test_a_mistyped_number_of_another_state_is_not_taken_for_a_french_one(typed: str) -> None:
    assert read_tax_id(f"FR{typed}", "eu_vat", "FR").value == f"FR{typed}"
    assert pointers("FR", typed) != []


def test_the_union_has_27_members() -> None:
    assert len(MEMBERS) == 27
    assert "GB" not in MEMBERS


def test_greece_writes_el() -> None:
    assert read_tax_id("GR 094259216", "eu_vat", "GR").value == "EL094259216"


def test_northern_ireland_is_told_from_great_britain_by_its_prefix() -> None:
    assert tax_id_type("GB", "XI 980 7806 84") == "eu_vat"
    assert tax_id_type("GB", "GB 980 7806 84") == "gb_vat"
    assert read_tax_id("980780684", None, "GB").value == "GB980780684"


def test_a_company_may_be_registered_in_another_member_state() -> None:
    assert pointers("FR", VAT_EXAMPLES["DE"]) == []


def test_an_eu_number_does_not_go_with_an_address_elsewhere() -> None:
    assert pointers("US", VAT_EXAMPLES["DE"], "eu_vat") == ["/tax_id_type"]


@pytest.mark.parametrize(
    ("country", "kind"), [("DE", "gb_vat"), ("US", "ca_bn"), ("CH", "eu_vat"), ("AF", "us_ein")]
)
def test_a_kind_of_another_country_is_refused(country: str, kind: str) -> None:
    assert pointers(country, TAX_ID_TYPES[kind].example, kind) == ["/tax_id_type"]


def test_a_kind_of_every_country_goes_with_any() -> None:
    assert pointers("US", "EU372022452", "eu_oss_vat") == []


def test_a_kind_stripe_does_not_know_is_refused_even_without_a_number() -> None:
    assert pointers("DE", None, "de_vat") == ["/tax_id_type"]


@pytest.mark.parametrize(
    ("country", "vat", "kind"),
    [
        ("US", "042103594", "us_ein"),
        ("DE", "136695976", "eu_vat"),
        ("DE", "181/815/08155", "de_stn"),
        ("FR", "404 833 048", "fr_siren"),
        ("MC", "FR 53 0000 04605", "eu_vat"),
        ("BR", "39053344705", "br_cpf"),
        ("BR", "16727230000197", "br_cnpj"),
        ("CH", "CHE-107.787.577 MWST", "ch_vat"),
        ("CH", "CHE-100.155.212", "ch_uid"),
        ("JP", "T5835678256246", "jp_trn"),
        ("IM", "GB980780684", "gb_vat"),
        ("PR", "04-2103594", "us_ein"),
    ],
)
def test_the_kind_is_found_where_there_is_but_one_it_can_be(country: str, vat: str, kind: str) -> None:
    assert tax_id_type(country, vat) == kind


def test_the_kind_is_asked_for_where_there_are_several() -> None:
    assert pointers("SG", "197401143C") == ["/tax_id_type"]
    [message] = [
        p.message for p in problems({"country": "SG", "vat": "197401143C"}) if p.pointer == "/tax_id_type"
    ]
    assert "sg_gst" in message
    assert "sg_uen" in message
    assert pointers("SG", "197401143C", "sg_uen") == []


def test_a_country_whose_tax_ids_nobody_here_knows_takes_any() -> None:
    assert "AF" not in TYPES_OF_COUNTRY
    assert pointers("AF", "1234567890") == []
    assert read_tax_id("1234567890", None, "AF").valid is None


def test_a_number_of_no_kind_of_the_country_is_refused_with_examples_of_what_would_do() -> None:
    [problem] = [p for p in problems({"country": "BR", "vat": "aaa-123-987"}) if p.pointer == "/vat"]
    assert "16.727.230/0001-97 (br_cnpj)" in problem.message
    assert "aaa-123-987" not in problem.message


def test_digits_and_dashes_of_other_widths_and_scripts_are_read() -> None:
    assert read_tax_id("１１６－８２－００２７６", None, "KR").value == "1168200276"  # noqa: RUF001
    assert read_tax_id("١٠٠-٥٣١-٣٨٥", None, "EG").value == "100531385"  # noqa: RUF001
    assert read_tax_id("16.727.230/0001–97", None, "BR").value == "16727230000197"  # noqa: RUF001


@given(st.from_regex(r"[0-9]{2}-?[0-9]{6,8}", fullmatch=True))
def test_an_ein_is_valid_exactly_when_stdnum_says_so(number: str) -> None:
    assert (read_tax_id(number, "us_ein", "US").valid is True) == stdnum_ein.is_valid(number)


@given(st.sampled_from(sorted(VAT_EXAMPLES)), st.data())
def test_an_eu_number_is_valid_exactly_when_stdnum_says_so(prefix: str, data: st.DataObject) -> None:
    example = VAT_EXAMPLES[prefix]
    place = data.draw(st.integers(2, len(example) - 1))
    number = example[:place] + data.draw(st.sampled_from("0123456789AX")) + example[place + 1 :]
    # In a country without a prefix of its own, nothing can be added to the number.
    assert (read_tax_id(number, "eu_vat", "GB").valid is True) == stdnum_vat.is_valid(number)


@settings(max_examples=300)
@given(st.sampled_from(sorted(TAX_ID_TYPES)), st.data())
def test_separators_never_decide_what_kind_a_number_is(name: str, data: st.DataObject) -> None:
    kind = TAX_ID_TYPES[name]
    country = "DE" if name == "eu_vat" else min(kind.countries, default="US")
    place = data.draw(st.integers(1, len(kind.example)))
    typed = kind.example[:place] + data.draw(st.sampled_from(["-", " ", ".", "/"])) + kind.example[place:]
    found = read_tax_id(typed, None, country)
    again = read_tax_id(found.value, None, country)
    assert (again.type, again.valid) == (found.type, found.valid)


@settings(deadline=None, max_examples=300)
@given(
    st.one_of(st.text(max_size=20), st.text("0123456789ABCXI-./ ", max_size=18)),
    st.one_of(st.none(), st.sampled_from(sorted(TAX_ID_TYPES))),
    st.one_of(st.none(), st.sampled_from(sorted({*TYPES_OF_COUNTRY, *HOME_PREFIX, "AF"}))),
)
def test_any_text_is_read_or_refused_and_what_was_read_stays_the_same(
    typed: str, kind: str | None, country: str | None
) -> None:
    first = read_tax_id(typed, kind, country)
    assert (first.problem is not None) == (
        first.valid is False or (country in TYPES_OF_COUNTRY and first.type is None)
    )
    assert first.valid or first.value == typed
    if first.valid:
        assert read_tax_id(first.value, first.type, country) == first
