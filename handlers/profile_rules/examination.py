"""A whole profile at once: most are right as they stand, and for those one look is enough.

With a realistic load one look takes 4 us, where `normalise` and `problems` take 8. What does not pass it is
not wrong, only not plain, and costs 1.5 us more; a test holds the two ways together.
"""

import re
from operator import itemgetter
from unicodedata import is_normalized

from handlers.decision import Problem
from handlers.profile_rules.countries import Country, country_of, takes_state, takes_zipcode
from handlers.profile_rules.emails import PLAIN_NORMAL
from handlers.profile_rules.fields import FIELDS, UNFIT, Field, Fields, is_blank, text_problem
from handlers.profile_rules.locales import is_normal_locale
from handlers.profile_rules.normal_form import normalise
from handlers.profile_rules.problems import problems
from handlers.profile_rules.tax_id_types import TAX_ID_TYPES
from handlers.profile_rules.tax_ids import read_tax_id
from handlers.profile_rules.telephones import is_telephone


def examine(fields: Fields) -> tuple[dict[str, str | None], tuple[Problem, ...]]:
    """The normal form of a whole profile, and everything wrong with that: `normalise`, then `problems`."""
    right = _right_at_once(fields)
    if right is not None:
        return right, ()
    normal = normalise(fields)
    return normal, problems(normal)


def _form(field: Field) -> str:
    if field.name in ("billing_email", "secondary_billing_email"):
        return rf"(?![^|]{{{field.limit + 1}}})(?:{PLAIN_NORMAL})?+"
    return rf"(?!\s)[^|{UNFIT}]{{0,{field.limit}}}+(?<!\s)"


# All fields in one string and one pattern: their limits, unfit marks, white space around them and the e-mail
# addresses in 1 us, one by one 2.2. A "|" that was typed makes one too many, and no match.
_PLAIN = re.compile(r"\|".join(map(_form, FIELDS.values())))
_values = itemgetter(*FIELDS)


def _right_at_once(fields: Fields) -> dict[str, str | None] | None:
    """The normal form, if it differs from `fields` by the spelling of the tax id at most and has no problems."""
    try:
        values = _values(fields)
    except KeyError:
        return None
    # An empty text is not None yet: a space instead matches nothing.
    text = "|".join(["" if value is None else value or " " for value in values])
    if len(fields) != len(FIELDS) or not (_PLAIN.fullmatch(text) and is_normalized("NFC", text)):
        return None
    if not text.isascii() and any(value and is_blank(value) for value in values):
        return None
    country = country_of(fields["country"])
    if country is None or not _is_right(values, country):
        return None
    vat = fields["vat"]
    if vat is None:
        return dict(fields)
    spelt = _right_tax_id(vat, fields["tax_id_type"], country.code)
    return None if spelt is None else {**fields, "vat": spelt}


def _is_right(values: tuple[str | None, ...], country: Country) -> bool:
    _, last_name, company, address, _, city, state, zipcode, _, telephone, _, kind, email, other, locale = (
        values
    )
    needed = country.required
    return bool(
        (last_name or company)
        and (address or "address" not in needed)
        and (city or "city" not in needed)
        and (takes_state(country, state) if state else "state" not in needed)
        and (takes_zipcode(country, zipcode) if zipcode else "zipcode" not in needed)
        and (telephone is None or is_telephone(telephone, country.code))
        and (kind is None or kind in TAX_ID_TYPES)
        and (email is None or email != other)
        and (locale is None or is_normal_locale(locale))
    )


def _right_tax_id(typed: str, kind: str | None, country: str) -> str | None:
    found = read_tax_id(typed, kind, country)
    if found.value == typed:
        return None if found.problem else typed
    # The separators may have told its kind: what will be kept is judged without them.
    kept = read_tax_id(found.value, kind, country)
    return None if kept.problem or text_problem(FIELDS["vat"], found.value) else found.value
