"""Stripe's customer beside what it shall be."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from handlers.profile_rules import StripeTaxId
from handlers.stripe_projection import ADDRESS_FIELDS, Projection
from state.stripe.customers import Customer, TaxId, customer, differing, parameters, tax_id_changes

ADDRESS = {**dict.fromkeys(ADDRESS_FIELDS, ""), "country": "DE"}
DESIRED = Projection("Ada", "ada@example.com", "", ADDRESS, ("en",), (), {"account_id": "a" * 32})
HELD = Customer(
    "cus_1",
    name="Ada",
    email="ada@example.com",
    address=ADDRESS,
    preferred_locales=("en",),
    metadata={"account_id": "a" * 32, "team": "sales"},
)
kinds = st.sampled_from(["eu_vat", "gb_vat"])
values = st.sampled_from(["DE136695976", "de 136 695 976", "GB123456789"])
wanted = st.lists(st.builds(StripeTaxId, kinds, values), max_size=2)
held = st.lists(st.builds(TaxId, st.uuids().map(str), kinds, values), max_size=4)


def test_an_agreeing_customer_differs_in_nothing() -> None:
    assert differing(HELD, DESIRED) == []


def test_each_field_that_differs_is_named() -> None:
    found = replace(HELD, name="Eve", address={**ADDRESS, "city": "Berlin"}, metadata={"account_id": "b"})
    assert differing(found, DESIRED) == ["name", "address", "metadata.account_id"]


def test_what_is_not_ours_is_neither_compared_nor_sent() -> None:
    nothing = Projection(None, None, None, None, None, None, {"account_id": "a" * 32})
    assert differing(HELD, nothing) == []
    assert parameters(nothing) == {"metadata": {"account_id": "a" * 32}}


def test_blank_fields_are_sent_to_be_unset() -> None:
    assert parameters(DESIRED)["phone"] == ""
    assert parameters(DESIRED)["address"]["city"] == ""


def test_null_at_stripe_is_blank() -> None:
    body = {
        "id": "cus_1",
        "created": 0,
        "name": None,
        "address": None,
        "metadata": {},
        "preferred_locales": None,
    }
    found = customer(body)
    assert (found.name, found.preferred_locales) == ("", ())
    assert not any((found.address or {}).values())


@given(held, wanted)
def test_changes_of_tax_ids_lead_to_what_is_desired_and_then_to_nothing(
    held: list[TaxId], wanted: list[StripeTaxId]
) -> None:
    create, delete = tax_id_changes(held, wanted)
    after = [one for one in held if one not in delete]
    after += [TaxId(f"new-{n}", one.type, one.value) for n, one in enumerate(create)]
    assert tax_id_changes(after, wanted) == ([], [])
    assert {(one.type, _plain(one.value)) for one in after} == {
        (one.type, _plain(one.value)) for one in wanted
    }


def _plain(value: str) -> str:
    return value.replace(" ", "").upper()
