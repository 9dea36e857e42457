"""The tax id types Stripe knows and the form of their numbers (docs.stripe.com/billing/customer/tax-ids).

Stripe checks the form on creation and nothing else: no checksum, no register. Types whose form is not listed
here accept letters, digits, spaces and `/ . -`, so this double refuses less than Stripe, never more.
"""

import re

_TYPES = """
ad_nrt ae_trn al_tin am_tin ao_tin ar_cuit au_abn au_arn aw_tin az_tin ba_tin bb_tin bd_bin bf_ifu bg_uic
bh_vat bj_ifu bo_tin br_cnpj br_cpf bs_tin by_tin ca_bn ca_gst_hst ca_pst_bc ca_pst_mb ca_pst_sk ca_qst
cd_nif ch_uid ch_vat cl_tin cm_niu cn_tin co_nit cr_tin cv_nif de_stn do_rcn ec_ruc eg_tin es_cif et_tin
eu_oss_vat eu_vat fo_vat gb_vat ge_vat gi_tin gn_nif hk_br hr_oib hu_tin ic_nif id_npwp il_vat in_gst
is_vat it_cf jp_cn jp_rn jp_trn ke_pin kg_tin kh_tin kr_brn kz_bin la_tin li_uid li_vat lk_vat ma_vat
md_vat me_pib mk_vat mr_nif mx_rfc my_frp my_itn my_sst ng_tin no_vat no_voec np_pan nz_gst om_vat pe_ruc
ph_tin pl_nip py_ruc ro_tin rs_pib ru_inn ru_kpp sa_vat sg_gst sg_uen si_tin sn_ninea sr_fin sv_nit
th_vat tj_tin tr_tin tw_vat tz_vat ua_vat ug_tin us_ein uy_ruc uz_tin uz_vat ve_rif vn_tin za_vat zm_tin
zw_tin
"""
TYPES = tuple(_TYPES.split())

EU = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"\d{8}",
    "FR": r"[A-Z0-9]{2}\d{9}",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"\d[A-Z0-9+*]\d{5}[A-Z]{1,2}",
    "IT": r"\d{11}",
    "LT": r"(\d{9}|\d{12})",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"\d{9}B\d{2}",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{10}01",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
}

FORMS = {
    "ae_trn": r"\d{15}",
    "au_abn": r"\d{2} ?\d{3} ?\d{3} ?\d{3}",
    "br_cnpj": r"\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}",
    "br_cpf": r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}",
    "ca_bn": r"\d{9}",
    "ca_gst_hst": r"\d{9}RT\d{4}",
    "ch_vat": r"CHE-?\d{3}\.?\d{3}\.?\d{3} ?(MWST|TVA|IVA)",
    "cl_tin": r"\d{1,2}\.?\d{3}\.?\d{3}-[\dK]",
    "eu_oss_vat": r"EU\d{9}",
    "eu_vat": "|".join(f"{country}{digits}" for country, digits in EU.items()),
    "gb_vat": r"GB(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
    "in_gst": r"\d{2}[A-Z]{5}\d{4}[A-Z][A-Z\d]Z[A-Z\d]",
    "jp_cn": r"\d{13}",
    "jp_rn": r"\d{5}",
    "jp_trn": r"T\d{13}",
    "kr_brn": r"\d{3}-?\d{2}-?\d{5}",
    "mx_rfc": r"[A-Z&Ñ]{3,4}\d{6}[A-Z\d]{3}",
    "no_vat": r"\d{9}MVA",
    "nz_gst": r"\d{8,9}",
    "sa_vat": r"\d{15}",
    "th_vat": r"\d{13}",
    "tw_vat": r"\d{8}",
    "us_ein": r"\d{2}-?\d{7}",
    "za_vat": r"4\d{9}",
}

_COMPILED = {type_: re.compile(form) for type_, form in FORMS.items()}
_OTHER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./-]{1,39}")
_VERIFIED = ("au_abn", "eu_vat", "gb_vat")


def well_formed(type_: str, value: str) -> bool:
    """Whether a number has the form of its type."""
    return bool(_COMPILED.get(type_, _OTHER).fullmatch(value))


def country(type_: str, value: str) -> str | None:
    """The country a tax id belongs to: of a European number by its own prefix, else by its type."""
    if type_ == "eu_oss_vat":
        return None
    if type_ == "eu_vat":
        return {"EL": "GR", "XI": "GB"}.get(value[:2], value[:2])
    return type_[:2].upper()


def verification(type_: str) -> dict[str, str | None]:
    """Stripe asks a register for a few types, later; the others stay unavailable."""
    status = "pending" if type_ in _VERIFIED else "unavailable"
    return {"status": status, "verified_address": None, "verified_name": None}
