"""The kinds of tax id that Stripe knows, where each is used, how it is read and what a valid one looks like.

The names are the values of `type` in Stripe's "create a customer tax id"; a test compares them with the
installed client. Check digits are those of python-stdnum; where it has no module, the form is the one in
Stripe's table of supported tax ids (https://docs.stripe.com/billing/customer/tax-ids) or the issuing
authority's own description.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stdnum import ean
from stdnum.hu import anum as hu_anum

from handlers.profile_rules.eu import EU_VAT_COUNTRIES
from handlers.profile_rules.tax_id_readers import Reader, either, ending, eu_vat, form, number, us_ein


@dataclass(frozen=True, slots=True)
class TaxIdType:
    """One kind: `example` is valid and punctuated the way Stripe writes it.

    `countries` are the profile countries it goes with, empty for all; a `personal` one never makes a
    business.
    """

    name: str
    countries: frozenset[str]
    example: str
    read: Reader
    personal: bool = False


def _kind(name: str, example: str, read: Reader, *, also: str = "", personal: bool = False) -> TaxIdType:
    return TaxIdType(name, frozenset((name[:2].upper(), *also.split())), example, read, personal)


# Botswana, Trinidad and Tobago: neither Stripe nor the authority publishes a form to hold a customer to.
_UNPUBLISHED = form(r"[A-Z0-9]{5,20}")

_KINDS = (
    TaxIdType("eu_vat", EU_VAT_COUNTRIES, "DE136695976", eu_vat),
    TaxIdType("eu_oss_vat", frozenset(), "EU372022452", number("eu", "oss")),
    TaxIdType("no_voec", frozenset(), "2045678", form(r"\d{7}")),
    _kind("ad_nrt", "D-059888-N", number("ad", "nrt")),
    _kind("ae_trn", "100123456700003", form(r"\d{15}")),
    _kind("al_tin", "J91402501L", number("al", "nipt")),
    _kind("am_tin", "02538904", form(r"\d{8}")),
    _kind("ao_tin", "5123456789", form(r"\d{10}|\d{9}[A-Z]{2}\d{3}")),
    _kind("ar_cuit", "20-05536168-2", number("ar", "cuit")),
    _kind("au_abn", "83914571673", number("au", "abn"), also="CC CX NF"),
    _kind("au_acn", "004085616", number("au", "acn"), also="CC CX NF"),
    _kind("au_arn", "123456789123", form(r"\d{12}")),
    _kind("au_wpn", "123456782", form(r"\d{9}")),
    _kind("aw_tin", "12345678", form(r"\d{8}")),
    _kind("az_tin", "1401555071", number("az", "voen")),
    _kind("ba_tin", "123456789012", form(r"\d{12,13}")),
    _kind("bb_tin", "1123456789012", form(r"\d{13}")),
    _kind("bd_bin", "123456789-0123", form(r"\d{13}")),
    _kind("bf_ifu", "12345678A", form(r"\d{8}[A-Z]")),
    _kind("bg_uic", "175074752", either(ending(number("bg", "vat"), r"^\d{9}"), form(r"\d{13}"))),
    _kind("bh_vat", "200123456700002", form(r"\d{15}")),
    _kind("bj_ifu", "1234567890123", form(r"\d{13}")),
    _kind("bo_tin", "123456789", form(r"\d{7,12}")),
    _kind("br_cnpj", "16.727.230/0001-97", number("br", "cnpj")),
    _kind("br_cpf", "390.533.447-05", number("br", "cpf"), personal=True),
    _kind("bs_tin", "123.456.789", form(r"\d{9}")),
    _kind("bw_vat", "C12345678901", _UNPUBLISHED),
    _kind("by_tin", "200988541", number("by", "unp")),
    _kind("ca_bn", "123026635", ending(number("ca", "bn"), r"^\d{9}")),
    _kind("ca_gst_hst", "123026635RT0001", ending(number("ca", "bn"), r"RT\d{4}")),
    _kind("ca_pst_bc", "PST-1234-5678", form(r"\d{8}", prefix="PST")),
    _kind("ca_pst_mb", "123456-7", form(r"\d{7}")),
    _kind("ca_pst_sk", "1234567", form(r"\d{7}")),
    _kind("ca_qst", "1234567890TQ1234", form(r"\d{10}TQ\d{4}")),
    _kind("cd_nif", "A0123456M", form(r"[A-Z]\d{7}[A-Z]")),
    _kind("ch_uid", "CHE-100.155.212", number("ch", "uid")),
    _kind("ch_vat", "CHE-107.787.577 MWST", number("ch", "vat"), also="LI"),
    _kind("ci_vat", "9500015F", form(r"\d{7}[A-Z]")),
    _kind("cl_tin", "76.086.428-5", number("cl", "rut")),
    _kind("cm_niu", "M123456789000L", form(r"[A-Z]\d{12}[A-Z]")),
    _kind("cn_tin", "91110000600037341L", either(number("cn", "uscc", "ric"), form(r"\d{15}"))),
    _kind("co_nit", "213.123.432-1", number("co", "nit")),
    _kind("cr_tin", "3-101-999999", number("cr", "cpf", "cpj", "cr")),
    _kind("cv_nif", "213456789", form(r"\d{9}")),
    _kind("cz_dic", "CZ25123891", number("cz", "dic", prefix="CZ")),
    _kind("de_stn", "18181508155", number("de", "stnr")),
    _kind("do_rcn", "1-01-85004-3", number("do", "rnc", "cedula")),
    _kind("ec_ruc", "1792060346001", number("ec", "ruc")),
    _kind("eg_tin", "100-531-385", number("eg", "tn")),
    _kind("es_cif", "B64717838", number("es", "nif")),
    _kind("et_tin", "1234567890", form(r"\d{10}")),
    _kind("fo_vat", "FO623857", number("fo", "vn", prefix="FO")),
    _kind("fr_siren", "404833048", number("fr", "siren")),
    _kind("fr_siret", "73282932000074", number("fr", "siret")),
    _kind("fr_spi", "3023217600053", number("fr", "nif"), personal=True),
    _kind("gb_vat", "GB980780684", number("gb", "vat", prefix="GB"), also="IM"),
    _kind("ge_vat", "123456789", form(r"\d{9}|\d{11}")),
    _kind("gh_tin", "C0000803561", either(number("gh", "tin"), form(r"\d{10}", prefix="GHA"))),
    _kind("gi_tin", "12345", form(r"\d{5,6}")),
    _kind("gn_nif", "693770885", number("gn", "nifp")),
    _kind("hk_br", "12345678", form(r"\d{8}")),
    _kind("hr_oib", "33392005961", number("hr", "oib")),
    _kind("hu_tin", "12892312-2-41", form(r"\d{11}", check=lambda bare: hu_anum.is_valid(bare[:8]))),
    TaxIdType("ic_nif", frozenset({"ES"}), "B64717838", number("es", "nif")),
    _kind("id_npwp", "001.312.166.0-091.000", number("id", "npwp")),
    _kind("il_vat", "516179157", number("il", "idnr")),
    _kind("in_gst", "27AAPFU0939F1ZV", number("in", "gstin")),
    _kind("is_kt", "450401-3150", number("is", "kennitala")),
    _kind("is_vat", "00621", number("is", "vsk")),
    _kind("it_cf", "RCCMNL83S18D969H", number("it", "codicefiscale"), personal=True),
    _kind("jp_cn", "5835678256246", number("jp", "cn")),
    _kind("jp_rn", "12345", form(r"\d{5}")),
    _kind("jp_trn", "T5835678256246", form(r"T\d{13}")),
    _kind("ke_pin", "P051365947M", number("ke", "pin")),
    _kind("kg_tin", "12345678901234", form(r"\d{14}")),
    _kind("kh_tin", "1001-123456789", form(r"[A-Z]?\d{12,13}")),
    _kind("kr_brn", "116-82-00276", number("kr", "brn")),
    _kind("kz_bin", "123456789012", form(r"\d{12}")),
    _kind("la_tin", "123456789-000", form(r"\d{12}")),
    _kind("li_uid", "CHE100155212", number("ch", "uid")),
    _kind("li_vat", "12345", form(r"\d{5}")),
    _kind("lk_vat", "123456789-1234", form(r"\d{9}(?:\d{4})?")),
    _kind("ma_vat", "12345678", either(form(r"\d{8}"), number("ma", "ice"))),
    _kind("md_cf", "1008600038413", number("md", "idno")),
    _kind("md_vat", "1234567", form(r"\d{7}")),
    _kind("me_pib", "02655284", number("me", "pib")),
    _kind("mk_vat", "MK4030000375897", number("mk", "edb", prefix="MK")),
    _kind("mr_nif", "12345678", form(r"\d{8}")),
    _kind("mu_vat", "20123456", form(r"(?:VAT)?\d{8}")),
    _kind("mx_rfc", "MAB9307148T4", number("mx", "rfc")),
    _kind("my_frp", "12345678", form(r"\d{8}")),
    _kind("my_itn", "C 1234567890", form(r"[A-Z]{1,2}\d{9,11}")),
    _kind("my_sst", "A12-3456-78912345", form(r"[A-Z]\d{14}")),
    _kind("mz_nuit", "400339910", number("mz", "nuit")),
    _kind("ng_tin", "12345678-0001", form(r"\d{10}|\d{12,13}")),
    _kind("no_vat", "995525828MVA", number("no", "mva"), also="SJ"),
    _kind("np_pan", "123456789", form(r"\d{9}")),
    _kind("nz_bn", "9429041234563", form(r"94\d{11}", check=ean.is_valid)),
    _kind("nz_gst", "49-098-576", number("nz", "ird")),
    _kind("om_vat", "OM1234567890", form(r"\d{10}", prefix="OM")),
    _kind("pe_ruc", "20512333797", number("pe", "ruc")),
    _kind("ph_tin", "123456789012", form(r"\d{9}|\d{12}|\d{14}")),
    _kind("pl_nip", "8567346215", number("pl", "nip")),
    _kind("pt_nif", "501964843", number("pt", "nif")),
    _kind("py_ruc", "80028061-0", number("py", "ruc")),
    _kind("ro_tin", "18547290", number("ro", "cf")),
    _kind("rs_pib", "101134702", number("rs", "pib")),
    _kind("ru_inn", "1234567894", number("ru", "inn")),
    _kind("ru_kpp", "123456789", form(r"\d{4}[\dA-Z]{2}\d{3}")),
    _kind("sa_vat", "310122393500003", form(r"3\d{13}3")),
    _kind("sg_gst", "M90312345A", either(form(r"M[\dA-Z]\d{7}[\dA-Z]"), number("sg", "uen"))),
    _kind("sg_uen", "197401143C", number("sg", "uen")),
    _kind("si_tin", "50223054", number("si", "ddv")),
    _kind("sm_coe", "24165", number("sm", "coe")),
    _kind("sn_ninea", "30672212G2", number("sn", "ninea")),
    _kind("sr_fin", "1234567890", form(r"\d{10}")),
    _kind("sv_nit", "0614-050707-104-8", number("sv", "nit")),
    _kind("th_vat", "1234545678781", number("th", "tin")),
    _kind("tj_tin", "123456789", form(r"\d{9}")),
    _kind("tr_tin", "4540536920", number("tr", "vkn", "tckimlik")),
    _kind("tt_bir", "123456789-1", _UNPUBLISHED),
    _kind("tt_vat", "123456", _UNPUBLISHED),
    _kind("tw_vat", "00501503", number("tw", "ubn")),
    _kind("tz_vat", "12345678A", form(r"\d{8}[A-Z]")),
    _kind("ua_vat", "123456789012", form(r"\d{9,10}|\d{12}")),
    _kind("ug_tin", "1014751879", form(r"\d{10}")),
    _kind("us_ein", "04-2103594", us_ein, also="AS GU MP PR VI UM"),
    _kind("uy_ruc", "211003420017", number("uy", "rut")),
    _kind("uz_tin", "123456789", form(r"\d{9}")),
    _kind("uz_vat", "123456789012", form(r"\d{12}")),
    _kind("ve_rif", "V-11470283-4", number("ve", "rif")),
    _kind("vn_tin", "0100233488", number("vn", "mst")),
    _kind("za_vat", "4123456789", form(r"4\d{9}")),
    _kind("zm_tin", "1004751879", form(r"\d{10}")),
    _kind("zw_tin", "1234567890", form(r"\d{10}")),
)

TAX_ID_TYPES: Mapping[str, TaxIdType] = {kind.name: kind for kind in _KINDS}


def _by_country(kinds: Iterable[TaxIdType]) -> Mapping[str, tuple[TaxIdType, ...]]:
    found: dict[str, tuple[TaxIdType, ...]] = {}
    for kind in kinds:
        for country in kind.countries:
            found[country] = (*found.get(country, ()), kind)
    return found


TYPES_OF_COUNTRY: Mapping[str, tuple[TaxIdType, ...]] = _by_country(_KINDS)
"""The kinds used in a country, the EU's VAT number first."""
