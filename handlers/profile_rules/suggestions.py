"""Suggestions for an address: offered to the customer for confirmation, never applied."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from handlers.profile_rules.countries import Country, country_of, state_in
from handlers.profile_rules.fields import Fields
from handlers.profile_rules.normal_form import normalise
from handlers.profile_rules.postal_codes import standard_zipcode, states_of_zipcode
from handlers.profile_rules.problems import problems_of

ValidationCode = Literal["verified", "corrected", "unverifiable"]

_ADDRESS = ("address", "address2", "city", "state", "zipcode", "country")
_SMALL_WORD = re.compile(
    "al|am|an|and|da|de|del|den|der|des|di|do|dos|du|e|el|en|et|im|la|las|le|les|of|on|sous|sur|the|upon|y"
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An address as its country writes it, shaped like the public API's validated address.

    `validation_code` is "verified" when the address already agrees with its country's rules and spelling,
    "corrected" when this differs from what was typed, and "unverifiable" when parts are wrong, missing or
    do not fit together and no rule tells how to mend them. Whether the street exists is not known here.
    """

    address: str | None
    address2: str | None
    city: str | None
    country: str | None
    state: str | None
    validation_code: ValidationCode
    zipcode: str | None


def suggest(fields: Fields) -> tuple[Suggestion, ...]:
    """The address in its country's spelling, the most certain suggestion first.

    There are several when its postal code lies in other states than it says, and none without any part of an
    address.
    """
    typed = {name: (fields.get(name) or "").strip() or None for name in _ADDRESS}
    if not any(typed.values()):
        return ()
    clean = normalise(typed)
    country = country_of(clean["country"])
    if country is None:
        return (_suggestion(clean, "unverifiable"),)
    written = _written(clean, country)
    return tuple(_judged(candidate, typed, country) for candidate in _candidates(written, country))


def _written(clean: Fields, country: Country) -> dict[str, str | None]:
    city, state, zipcode = clean["city"], clean["state"], clean["zipcode"]
    return {
        **clean,
        "city": _titled(city) if city else None,
        "state": (_state_spelling(country, state) or state) if state else None,
        "zipcode": (standard_zipcode(country, zipcode) or zipcode)
        if zipcode and country.has_zipcode
        else None,
    }


def _candidates(written: dict[str, str | None], country: Country) -> Iterator[dict[str, str | None]]:
    zipcode, state = written["zipcode"], written["state"]
    by_zipcode = states_of_zipcode(country, zipcode) if zipcode else frozenset()
    named = state_in(country, state) if state else None
    if not by_zipcode or named in by_zipcode or (state is None and "state" not in country.required):
        yield written
        return
    script = state or written["city"] or written["address"] or ""
    for code in sorted(by_zipcode):
        yield {**written, "state": _spelling_of(country, code, script)}
    if state is not None:
        yield written


def _judged(candidate: dict[str, str | None], typed: Fields, country: Country) -> Suggestion:
    if problems_of(candidate, _ADDRESS) or not _fits_together(candidate, country):
        return _suggestion(candidate, "unverifiable")
    same = all(candidate[name] == typed[name] for name in _ADDRESS)
    return _suggestion(candidate, "verified" if same else "corrected")


def _fits_together(candidate: Fields, country: Country) -> bool:
    state, zipcode = candidate["state"], candidate["zipcode"]
    if not state or not country.states.labels:
        return True
    code = state_in(country, state)
    by_zipcode = states_of_zipcode(country, zipcode) if zipcode else frozenset()
    return code is not None and (not by_zipcode or code in by_zipcode)


def _suggestion(parts: Fields, code: ValidationCode) -> Suggestion:
    return Suggestion(**{name: parts[name] for name in _ADDRESS}, validation_code=code)


def _state_spelling(country: Country, state: str) -> str | None:
    code = state_in(country, state)
    return None if code is None else _spelling_of(country, code, state)


def _spelling_of(country: Country, code: str, like: str) -> str:
    # The post's own code, unless it is in another script than the customer writes in.
    if code.isascii() or not like.isascii():
        return code
    return next((name for key, name in country.states.labels if key == code and name.isascii()), code)


def _titled(city: str) -> str:
    if not (city.islower() or city.isupper()):
        return city
    words = city.lower().split(" ")
    return " ".join(w if n and _SMALL_WORD.fullmatch(w) else w.title() for n, w in enumerate(words))
