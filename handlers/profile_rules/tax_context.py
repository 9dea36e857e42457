"""What a profile says to those who work out the tax: where the customer is and with which tax id."""

from dataclasses import dataclass

from handlers.profile_rules.countries import country_of, state_in
from handlers.profile_rules.eu import MEMBERS, country_of_prefix
from handlers.profile_rules.fields import Fields
from handlers.profile_rules.normal_form import normalise
from handlers.profile_rules.tax_id_types import TAX_ID_TYPES
from handlers.profile_rules.tax_ids import TaxId, as_stripe_writes, read_tax_id


@dataclass(frozen=True, slots=True)
class TaxContext:
    """The facts of a profile that a tax rests on.

    `state` is a code where the country's states are known, else as written. `location` is the country, with
    the state where there is one, as in ISO 3166-2 ("US-CA", "DE"). `tax_id` has no separators;
    `tax_id_valid` speaks of its form and check digits, not of a register, and is None without a tax id or a
    rule for it. `tax_id_country` is the state it was given out by. `reverse_charge_candidate` is true for a
    business in an EU member state other than the seller's, with a VAT number of a member state other than
    the seller's: its register decides.
    """

    country: str | None
    state: str | None
    postal_code: str | None
    location: str | None
    tax_id: str | None
    tax_id_type: str | None
    tax_id_valid: bool | None
    tax_id_country: str | None
    is_business: bool
    eu_member: bool
    reverse_charge_candidate: bool


@dataclass(frozen=True, slots=True)
class StripeTaxId:
    """A tax id as Stripe takes it: `type` and `value` of its "create a customer tax id"."""

    type: str
    value: str


def tax_context(fields: Fields, *, seller_country: str | None = None) -> TaxContext:
    """The tax facts of a profile for a seller established in `seller_country` (ISO 3166-1 alpha-2).

    Without a seller's country, or with one outside the EU, any member state's business is a candidate.
    """
    clean = normalise(fields)
    tax_id = _tax_id(clean)
    country = clean.get("country")
    state = _state(clean)
    issuer = _issuer(tax_id)
    return TaxContext(
        country=country,
        state=state,
        postal_code=clean.get("zipcode"),
        location=f"{country}-{state}" if country and state and _has_code(state) else country,
        tax_id=tax_id.value if tax_id else None,
        tax_id_type=tax_id.type if tax_id else None,
        tax_id_valid=tax_id.valid if tax_id else None,
        tax_id_country=issuer,
        is_business=_is_business(clean, tax_id),
        eu_member=country in MEMBERS,
        reverse_charge_candidate=(
            tax_id is not None
            and tax_id.type == "eu_vat"
            and issuer in MEMBERS - {seller_country}
            and country in MEMBERS - {seller_country}
        ),
    )


def stripe_tax_id(fields: Fields) -> StripeTaxId | None:
    """The tax id to keep at Stripe, or None without one that can be read and that Stripe has a type for."""
    tax_id = _tax_id(normalise(fields))
    if tax_id is None or tax_id.type is None or not tax_id.valid:
        return None
    return StripeTaxId(tax_id.type, as_stripe_writes(tax_id))


def _tax_id(clean: Fields) -> TaxId | None:
    vat = clean.get("vat")
    country = country_of(clean.get("country"))
    return read_tax_id(vat, clean.get("tax_id_type"), country.code if country else None) if vat else None


def _state(clean: Fields) -> str | None:
    country, state = country_of(clean.get("country")), clean.get("state")
    return (state_in(country, state) or state) if country and state else state


def _has_code(state: str) -> bool:
    return state.isascii() and state.isalnum() and len(state) <= 3


def _issuer(tax_id: TaxId | None) -> str | None:
    if tax_id is None or not tax_id.valid or tax_id.type is None or tax_id.type == "eu_oss_vat":
        return None
    return country_of_prefix((tax_id.value if tax_id.type == "eu_vat" else tax_id.type.upper())[:2])


def _is_business(clean: Fields, tax_id: TaxId | None) -> bool:
    if clean.get("company"):
        return True
    if tax_id is None or tax_id.valid is False:
        return False
    kind = TAX_ID_TYPES.get(tax_id.type or "")
    return kind is None or not kind.personal
