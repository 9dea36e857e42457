"""The normal form of a profile: what may be done silently because it changes no meaning."""

import unicodedata
from collections.abc import Callable, Mapping

from handlers.profile_rules.countries import country_of
from handlers.profile_rules.emails import normal_email
from handlers.profile_rules.fields import FIELDS, Fields, is_blank
from handlers.profile_rules.locales import normal_locale
from handlers.profile_rules.tax_ids import read_tax_id


def normalise(fields: Fields) -> dict[str, str | None]:
    """The same fields in their one spelling, ready for `problems` and for keeping; text that is empty becomes None.

    Text of which nothing can be seen is empty.

    Changed are: white space around a value, its Unicode form (NFC), the case of the country and of the kind
    of tax id, the domain of an e-mail address, the spelling of a locale, and the separators and EU prefix
    of a tax id. The address is left as it was written (see `suggest`), and so is the telephone number:
    E.164 would lose an extension and what the customer recognises. It is made where it is needed (`e164`),
    from the country it came with. A value that is not valid is left for `problems` to name.
    """
    clean = {name: _clean(value) for name, value in fields.items()}
    for name, spell in _SPELLINGS.items():
        value = clean.get(name)
        if value is not None and len(value) <= FIELDS[name].limit:
            clean[name] = spell(value)
    vat = clean.get("vat")
    if vat is not None and len(vat) <= FIELDS["vat"].limit:
        country = country_of(clean.get("country"))
        clean["vat"] = read_tax_id(vat, clean.get("tax_id_type"), country.code if country else None).value
    return clean


def _clean(value: str | None) -> str | None:
    if not value:
        return None
    value = value.strip()
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
        return None if is_blank(value) else value
    return value or None


def _upper(value: str) -> str:
    # ASCII only: "ß" in upper case would be South Sudan.
    return value.upper() if value.isascii() else value


def _lower(value: str) -> str:
    return value.lower() if value.isascii() else value


_SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "country": _upper,
    "tax_id_type": _lower,
    "billing_email": normal_email,
    "secondary_billing_email": normal_email,
    "preferred_locale": normal_locale,
}
