"""How a tax id is read: from what was typed to the number's one spelling, or None if it is none."""

import re
from collections.abc import Callable
from functools import cache

from stdnum.util import NumberValidationModule, get_cc_module

from handlers.profile_rules.eu import HOME_PREFIX, VAT_EXAMPLES

Reader = Callable[[str, str | None], str | None]
"""(what was typed, the profile's country) -> the number without separators, or None."""

_SEPARATORS = re.compile(r"[\s.,/\-]+")
_EIN = re.compile(r"([0-9]{2})-?([0-9]{7})")


def without_separators(typed: str) -> str:
    """The letters, in upper case, and digits of a number as it was typed."""
    return _SEPARATORS.sub("", typed).upper()


def number(country: str, *names: str, prefix: str = "") -> Reader:
    """Read by the first of python-stdnum's modules that accepts; `prefix` begins the one spelling."""
    modules = tuple(_module(country, name) for name in names)

    def read(typed: str, _country: str | None) -> str | None:
        for module in modules:
            found = _validated(module, typed)
            if found is not None:
                return found if found.startswith(prefix) else prefix + found
        return None

    return read


def form(pattern: str, *, prefix: str = "", check: Callable[[str], bool] | None = None) -> Reader:
    """Read by form, for numbers whose check digit is not published: `pattern` matches it without separators.

    `prefix` may be left out when typing and is part of the one spelling; `check` is asked what `pattern`
    cannot say.
    """
    whole = re.compile(pattern, re.ASCII)

    def read(typed: str, _country: str | None) -> str | None:
        if not typed.isascii():
            return None
        bare = without_separators(typed).removeprefix(prefix)
        fits = whole.fullmatch(bare) is not None and (check is None or check(bare))
        return prefix + bare if fits else None

    return read


def either(*readers: Reader) -> Reader:
    """Read by the first of several readers that accepts."""

    def read(typed: str, country: str | None) -> str | None:
        return next((found for reader in readers if (found := reader(typed, country)) is not None), None)

    return read


def ending(reader: Reader, pattern: str) -> Reader:
    """Read by `reader`, and only numbers that end as `pattern` says."""
    tail = re.compile(f"(?:{pattern})$", re.ASCII)

    def read(typed: str, country: str | None) -> str | None:
        found = reader(typed, country)
        return found if found is not None and tail.search(found) else None

    return read


def eu_vat(typed: str, country: str | None) -> str | None:
    """A VAT number of any member state; without a prefix it is one of the profile's own country.

    GR is written EL, as VIES and Stripe do. Northern Ireland's must say XI: without it, a number is a
    British one. What begins like a number of another state, or a British one, is that number mistyped: some of
    them would pass as one of the profile's own country.
    """
    bare = without_separators(typed)
    prefix = "EL" if bare[:2] == "GR" else bare[:2]
    home = HOME_PREFIX.get(country or "")
    if prefix in VAT_EXAMPLES and (found := _vat_of(prefix, bare[2:])) is not None:
        return found
    foreign = prefix != home and prefix in {*VAT_EXAMPLES, "GB"}
    return None if home is None or foreign else _vat_of(home, bare)


def _vat_of(prefix: str, rest: str) -> str | None:
    # The module gets the prefix too: it takes off one, and a French number may begin with the letters FR
    # once more.
    found = _validated(_vat_module(prefix), prefix + rest)
    if found is None:
        return None
    return found if found.startswith(prefix) else prefix + found


def us_ein(typed: str, _country: str | None) -> str | None:
    """An EIN whose first two digits the IRS gives out (as stdnum.us.ein, which looks them up slowly)."""
    match = _EIN.fullmatch(typed.strip())
    return match[1] + match[2] if match is not None and _is_ein_campus(match[1]) else None


@cache
def _is_ein_campus(prefix: str) -> bool:
    return _module("us", "ein").is_valid(prefix + "0000000")


@cache
def _vat_module(prefix: str) -> NumberValidationModule:
    return _module({"EL": "gr", "XI": "gb"}.get(prefix, prefix.lower()), "vat")


def _module(country: str, name: str) -> NumberValidationModule:
    module = get_cc_module(country, name)
    if module is None:
        raise LookupError(f"python-stdnum has no {country}.{name}")
    return module


def _validated(module: NumberValidationModule, typed: str) -> str | None:
    try:
        return module.validate(typed) if typed.isascii() else None
    except (ValueError, LookupError):  # stdnum's refusals, and what odd letters provoke in a few modules
        return None
