"""Postal codes: how one is written in its country, and which states it can be in."""

import re
import unicodedata

from handlers.profile_rules.countries import Country

_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Za-z]+")
_BRITISH = frozenset({"GB", "GG", "IM", "JE"})


def standard_zipcode(country: Country, value: str) -> str | None:
    """The postal code in upper case with the spaces and hyphens of its country, or None if it is none.

    Also mends what only the spelling keeps from being right: "00950" is 00-950 in PL, "D-10115" 10115 in DE.
    """
    if country.zipcode is None:
        return None
    bare = _NOT_ALPHANUMERIC.sub("", unicodedata.normalize("NFKC", value)).upper()
    for candidate in (
        bare,
        bare.removeprefix(country.code),
        bare.removeprefix(country.code[0]),
        country.code + bare,
    ):
        for spelling in (_as_british(country, candidate), _as_example(country, candidate), candidate):
            if spelling is not None and country.zipcode.fullmatch(spelling):
                return spelling
    return value.upper() if country.zipcode.fullmatch(value) else None


def states_of_zipcode(country: Country, value: str) -> frozenset[str]:
    """The codes of the states in which such a postal code can be; empty where the data does not say."""
    return frozenset(code for code, starts in country.zipcodes_of_states.items() if starts.match(value))


def _as_british(country: Country, bare: str) -> str | None:
    return f"{bare[:-3]} {bare[-3:]}" if country.code in _BRITISH and not bare.startswith("BFPO") else None


def _as_example(country: Country, bare: str) -> str | None:
    for example in country.zipcode_examples:
        letters = _NOT_ALPHANUMERIC.sub("", example)
        if len(letters) == len(bare):
            rest = iter(bare)
            return "".join(next(rest) if c.isalnum() else c for c in example)
    return None
