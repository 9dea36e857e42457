"""The European Union as taxes see it: its members, and which prefix a country's VAT numbers carry."""

from collections.abc import Mapping

# Valid numbers by their prefix, from the documentation of python-stdnum. The prefix is the country's code,
# but EL for Greece (VIES), and XI for Northern Ireland: its companies, in GB, have EU numbers for goods.
VAT_EXAMPLES: Mapping[str, str] = {
    "AT": "ATU13585627",
    "BE": "BE0428759497",
    "BG": "BG175074752",
    "CY": "CY10259033P",
    "CZ": "CZ25123891",
    "DE": "DE136695976",
    "DK": "DK13585628",
    "EE": "EE100594102",
    "EL": "EL094259216",
    "ES": "ESB64717838",
    "FI": "FI20774740",
    "FR": "FR23334175221",
    "HR": "HR33392005961",
    "HU": "HU12892312",
    "IE": "IE6433435OA",
    "IT": "IT00743110157",
    "LT": "LT119511515",
    "LU": "LU15027442",
    "LV": "LV40003521600",
    "MT": "MT11679112",
    "NL": "NL004495445B01",
    "PL": "PL8567346215",
    "PT": "PT501964843",
    "RO": "RO18547290",
    "SE": "SE123456789701",
    "SI": "SI50223054",
    "SK": "SK2022749619",
    "XI": "XI980780684",
}


def country_of_prefix(prefix: str) -> str:
    """The country of a tax id's prefix: EL is GR, XI is GB, IC (Canary Islands) ES, every other itself."""
    return {"EL": "GR", "XI": "GB", "IC": "ES"}.get(prefix, prefix)


MEMBERS = frozenset(country_of_prefix(prefix) for prefix in VAT_EXAMPLES if prefix != "XI")

# Monaco and the French departments overseas carry French numbers, Åland Finnish ones.
HOME_PREFIX: Mapping[str, str] = {
    **{country_of_prefix(prefix): prefix for prefix in VAT_EXAMPLES if prefix != "XI"},
    "AX": "FI",
    **dict.fromkeys(("MC", "GP", "MQ", "RE", "GF", "YT", "MF"), "FR"),
}

EU_VAT_COUNTRIES = frozenset(HOME_PREFIX) | {"GB"}
