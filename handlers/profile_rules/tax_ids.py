"""A customer's tax id: which kind it is, how it is written, and what is wrong with it."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from stdnum.util import clean

from handlers.profile_rules.eu import HOME_PREFIX, VAT_EXAMPLES
from handlers.profile_rules.tax_id_readers import without_separators
from handlers.profile_rules.tax_id_types import TAX_ID_TYPES, TYPES_OF_COUNTRY, TaxIdType


@dataclass(frozen=True, slots=True)
class TaxId:
    """What was made of a tax id.

    `value` is its one spelling without separators when it could be read, else what was typed. `type` is the
    kind, given or found; None when it is in doubt or Stripe has none for the country. `valid` is None when
    there is nothing to hold it to. `problem` is (field name, sentence) and set exactly when the profile
    must be refused.
    """

    value: str
    type: str | None
    valid: bool | None
    problem: tuple[str, str] | None = None


@lru_cache(maxsize=16384)
def read_tax_id(typed: str, kind: str | None, country: str | None) -> TaxId:
    """Read a tax id as the kind the customer named, or as the only one it can be in the profile's country.

    An EU VAT number of another member state than the profile's is accepted: a company may be registered
    where it is not established, and the tax context says which state it is of. Any other kind must be one
    of the country's own.
    """
    plain = typed if typed.isascii() else _ascii_digits(typed)
    if kind is None:
        return _of_some_kind(typed, plain, country)
    found = TAX_ID_TYPES.get(kind)
    if found is None:
        return TaxId(typed, None, None)
    if country is not None and not _goes_with(found, country):
        return TaxId(typed, kind, False, ("tax_id_type", _wrong_country(country)))
    value = _read(found, plain, country)
    if value is None:
        return TaxId(typed, kind, False, ("vat", _unreadable(found, country)))
    return TaxId(value, kind, True)


def tax_id_type_problem(kind: str) -> str | None:
    """What is wrong with the name of a kind, whatever the number; None if Stripe knows it."""
    if kind in TAX_ID_TYPES:
        return None
    return "Name the kind of tax id as Stripe does, for example eu_vat, gb_vat or us_ein, or leave it out."


def tax_id_type(country: str | None, vat: str) -> str | None:
    """Stripe's type of a number in a country, or None if it is in doubt, unreadable or unknown to Stripe."""
    found = read_tax_id(vat, None, country)
    return found.type if found.valid else None


def as_stripe_writes(tax_id: TaxId) -> str:
    """The number with the punctuation of Stripe's own examples ("042103594" -> "04-2103594")."""
    kind = TAX_ID_TYPES.get(tax_id.type or "")
    if kind is None or sum(c.isalnum() for c in kind.example) != len(tax_id.value):
        return tax_id.value
    letters = iter(tax_id.value)
    return "".join(next(letters) if c.isalnum() else c for c in kind.example)


def _ascii_digits(typed: str) -> str:
    # Digits, dashes and spaces of other scripts and widths; letters of full width become plain ones.
    plain = unicodedata.normalize("NFKC", clean(typed))
    return "".join(str(unicodedata.decimal(character, character)) for character in plain)


def _read(kind: TaxIdType, plain: str, country: str | None) -> str | None:
    # Separators are taken out last: a few numbers are told by them, and many a module knows only its own.
    return kind.read(plain, country) or kind.read(without_separators(plain), country)


def _of_some_kind(typed: str, plain: str, country: str | None) -> TaxId:
    kinds = TYPES_OF_COUNTRY.get(country or "", ())
    if not kinds:
        return TaxId(typed, None, None)
    if kinds[0].name == "eu_vat" and (value := _read(kinds[0], plain, country)) is not None:
        # The field asks for a VAT number: what can be one is taken for one, whatever else it could be.
        return TaxId(value, "eu_vat", True)
    readable = [(kind, value) for kind in kinds if (value := _read(kind, plain, country)) is not None]
    if len(readable) == 1:
        return TaxId(readable[0][1], readable[0][0].name, True)
    if readable:
        names = ", ".join(kind.name for kind, _ in readable)
        return TaxId(typed, None, None, ("tax_id_type", f"Say which kind of tax id this is: {names}."))
    return TaxId(typed, None, False, ("vat", _unreadable_as_any(kinds, country)))


def _goes_with(kind: TaxIdType, country: str) -> bool:
    return not kind.countries or country in kind.countries


def _wrong_country(country: str) -> str:
    names = ", ".join(kind.name for kind in TYPES_OF_COUNTRY.get(country, ()))
    hint = f"here it can be {names}" if names else "leave it out"
    return f"This kind of tax id belongs to another country than the address ({country}): {hint}."


def _unreadable(kind: TaxIdType, country: str | None) -> str:
    return f"Check the tax id: a valid {kind.name} looks like {_example(kind, country)}."


def _unreadable_as_any(kinds: tuple[TaxIdType, ...], country: str | None) -> str:
    if len(kinds) == 1 or kinds[0].name == "eu_vat":
        return _unreadable(kinds[0], country)
    forms = ", ".join(f"{kind.example} ({kind.name})" for kind in kinds)
    return f"Check the tax id: in this country a valid one looks like {forms}."


def _example(kind: TaxIdType, country: str | None) -> str:
    home = HOME_PREFIX.get(country or "")
    return VAT_EXAMPLES[home] if kind.name == "eu_vat" and home else kind.example
