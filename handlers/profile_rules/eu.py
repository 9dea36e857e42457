"""The European Union as taxes see it: its members, and which prefix a country's VAT numbers carry."""

from collections.abc import Mapping

MEMBERS = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
)

# Monaco and the French departments overseas carry French numbers, Åland Finnish ones; Greece writes EL (VIES).
HOME_PREFIX: Mapping[str, str] = {
    **{member: member for member in MEMBERS},
    "GR": "EL",
    "AX": "FI",
    **dict.fromkeys(("MC", "GP", "MQ", "RE", "GF", "YT", "MF"), "FR"),
}

# Northern Ireland's XI numbers are EU VAT numbers for goods, of companies whose address is in GB.
EU_VAT_COUNTRIES = frozenset(HOME_PREFIX) | {"GB"}

# Valid numbers, from the documentation of python-stdnum.
VAT_EXAMPLES: Mapping[str, str] = {
    example[:2]: example
    for example in (
        "ATU13585627 BE0428759497 BG175074752 CY10259033P CZ25123891 DE136695976 DK13585628 EE100594102 "
        "EL094259216 ESB64717838 FI20774740 FR23334175221 HR33392005961 HU12892312 IE6433435OA IT00743110157 "
        "LT119511515 LU15027442 LV40003521600 MT11679112 NL004495445B01 PL8567346215 PT501964843 RO18547290 "
        "SE123456789701 SI50223054 SK2022749619 XI980780684"
    ).split()
}


def member_of_prefix(prefix: str) -> str:
    """The country of a VAT number's prefix: EL is GR, XI is GB, every other is itself."""
    return {"EL": "GR", "XI": "GB"}.get(prefix, prefix)
