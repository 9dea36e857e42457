"""The fields of a billing profile: their order, what a customer calls them, and what text each may hold."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

Fields = Mapping[str, str | None]
"""A profile as field name -> value; an absent field, None and the empty string are the same."""


@dataclass(frozen=True, slots=True)
class Field:
    """One writable field: `label` is its name in a sentence, `limit` its longest value in characters."""

    name: str
    label: str
    limit: int


# The limits keep within Stripe's (name 256, business name 150, e-mail 512, address line 500). A telephone
# number reaches Stripe in E.164, 16 characters of the 20 allowed, so what was typed may be longer. 254 is
# RFC 5321's longest address, 35 the longest language tag RFC 5646 (4.4.1) asks everyone to hold.
FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        Field("first_name", "first name", 100),
        Field("last_name", "last name", 100),
        Field("company", "company", 150),
        Field("address", "address", 200),
        Field("address2", "second address line", 200),
        Field("city", "city", 100),
        Field("state", "state or province", 100),
        Field("zipcode", "postal code", 20),
        Field("country", "country", 2),
        Field("telephone", "telephone number", 40),
        Field("vat", "tax id", 50),
        Field("tax_id_type", "kind of tax id", 20),
        Field("billing_email", "billing e-mail address", 254),
        Field("secondary_billing_email", "secondary billing e-mail address", 254),
        Field("preferred_locale", "preferred locale", 35),
    )
}

# Control characters, line and paragraph separators, bidirectional overrides (they make an invoice read
# otherwise than it is written), lone surrogates and non-characters (neither UTF-8 nor the XML of an
# e-invoice can hold them).
UNFIT = "\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
_UNFIT = re.compile(f"[{UNFIT}]")


# What is drawn as nothing, besides spaces and format characters (soft hyphen, zero width space): the fillers of
# Hangul, an empty Braille cell, inherent vowels of Khmer, the grapheme joiner and the selectors of variants.
_UNSEEN = frozenset(
    map(
        chr,
        (
            0x034F,
            0x115F,
            0x1160,
            0x17B4,
            0x17B5,
            *range(0x180B, 0x1810),
            0x2800,
            0x3164,
            *range(0xFE00, 0xFE10),
        ),
    )
)
_UNSEEN_CATEGORIES = frozenset({"Cf", "Zs"})


def is_blank(value: str) -> bool:
    """Whether a text has nothing that can be seen."""
    return all(
        character in _UNSEEN or unicodedata.category(character) in _UNSEEN_CATEGORIES for character in value
    )


def text_problem(field: Field, value: str) -> str | None:
    """Why this text cannot stand in this field, as a sentence, or None."""
    if len(value) > field.limit:
        return f"Shorten the {field.label} to {field.limit} characters at most."
    if not value.isprintable() and _UNFIT.search(value):
        return f"Remove line breaks, control characters and other invisible marks from the {field.label}."
    return None
