"""Tax ids of a customer of the double."""

import pytest
import stripe

from sandbox.stripe.client import Api
from sandbox.stripe.driver import Driver


@pytest.mark.asyncio
async def test_a_tax_id_belongs_to_its_customer(api: Api) -> None:
    customer = await api.customers("create", {})
    made = await api.tax_ids("create", customer.id, {"type": "eu_vat", "value": "EL123456789"})
    assert made.id.startswith("txi_")
    assert (made.customer, made.type, made.value, made.country) == (
        customer.id,
        "eu_vat",
        "EL123456789",
        "GR",
    )
    assert made.verification.status == "pending"
    assert (await api.tax_ids("retrieve", customer.id, made.id)).to_dict() == made.to_dict()
    assert [one.id for one in (await api.tax_ids("list", customer.id)).data] == [made.id]


@pytest.mark.asyncio
async def test_a_tax_id_can_be_taken_away(api: Api) -> None:
    customer = await api.customers("create", {"tax_id_data": [{"type": "us_ein", "value": "123456789"}]})
    (tax_id,) = (await api.tax_ids("list", customer.id)).data
    gone = await api.tax_ids("delete", customer.id, tax_id.id)
    assert gone.to_dict() == {"id": tax_id.id, "object": "tax_id", "deleted": True}
    assert (await api.tax_ids("list", customer.id)).data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such tax_id"):
        await api.tax_ids("retrieve", customer.id, tax_id.id)


@pytest.mark.asyncio
async def test_tax_ids_go_with_their_customer(api: Api, double: Driver) -> None:
    customer = await api.customers("create", {"tax_id_data": [{"type": "us_ein", "value": "123456789"}]})
    await api.customers("delete", customer.id)
    assert double.objects("tax_id") == []
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        await api.tax_ids("list", customer.id)


@pytest.mark.asyncio
async def test_another_customers_tax_id_is_missing(api: Api) -> None:
    owner, other = await api.customers("create", {}), await api.customers("create", {})
    made = await api.tax_ids("create", owner.id, {"type": "us_ein", "value": "123456789"})
    with pytest.raises(stripe.InvalidRequestError, match="No such tax_id"):
        await api.tax_ids("retrieve", other.id, made.id)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({"type": "eu_vat", "value": "DE12"}, "tax_id_invalid", "value"),
        ({"type": "eu_vat", "value": "US123456789"}, "tax_id_invalid", "value"),
        ({"type": "gb_vat", "value": "123456789"}, "tax_id_invalid", "value"),
        ({"type": "mars_vat", "value": "1"}, None, "type"),
        ({"value": "1"}, "parameter_missing", "type"),
        ({"type": "eu_vat"}, "parameter_missing", "value"),
    ],
)
async def test_a_tax_id_of_wrong_type_or_form_is_refused(
    api: Api, double: Driver, given: dict[str, str], code: str | None, param: str
) -> None:
    customer = await api.customers("create", {})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await api.tax_ids("create", customer.id, given)
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)
    assert double.objects("tax_id") == []


@pytest.mark.asyncio
async def test_a_customer_with_a_wrong_tax_id_is_not_made(api: Api, double: Driver) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"Invalid value for eu_vat\."):
        await api.customers("create", {"tax_id_data": [{"type": "eu_vat", "value": "nonsense"}]})
    assert double.counters()["objects"] == {}
