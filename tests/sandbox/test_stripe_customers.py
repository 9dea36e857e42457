"""Customers of the double, as the real client sees them."""

import pytest
import stripe

from sandbox.stripe.client import Api
from sandbox.stripe.driver import Driver

ADDRESS = {"line1": "Kleiststr. 1", "city": "Berlin", "postal_code": "10787", "country": "DE"}


@pytest.mark.asyncio
async def test_a_customer_is_what_was_sent_and_null_elsewhere(api: Api) -> None:
    made = await api.customers(
        "create",
        {
            "name": "Ada",
            "email": "ada@example.com",
            "phone": "+49301234567",
            "description": "first",
            "address": ADDRESS,
            "preferred_locales": ["de", "en"],
            "tax_exempt": "reverse",
            "metadata": {"account_id": "f" * 32},
        },
    )
    assert made.id.startswith("cus_")
    assert made.address.to_dict() == {**ADDRESS, "line2": None, "state": None}
    assert (made.name, made.email, made.phone, made.description) == (
        "Ada",
        "ada@example.com",
        "+49301234567",
        "first",
    )
    assert made.preferred_locales == ["de", "en"]
    assert (made.tax_exempt, made.balance, made.delinquent, made.livemode) == ("reverse", 0, False, False)
    assert made.metadata.to_dict() == {"account_id": "f" * 32}
    assert made.shipping is None
    assert (await api.customers("retrieve", made.id)).to_dict() == made.to_dict()


@pytest.mark.asyncio
async def test_an_update_changes_what_it_names_and_nothing_else(api: Api) -> None:
    made = await api.customers("create", {"name": "Ada", "email": "ada@example.com", "address": ADDRESS})
    after = await api.customers("update", made.id, {"name": "Ada L.", "address": {"line2": "c/o Byron"}})
    assert after.to_dict() == {
        **made.to_dict(),
        "name": "Ada L.",
        "address": {**ADDRESS, "line2": "c/o Byron", "state": None},
    }


@pytest.mark.asyncio
async def test_an_empty_string_unsets(api: Api) -> None:
    made = await api.customers(
        "create",
        {
            "name": "Ada",
            "email": "a@example.com",
            "address": ADDRESS,
            "preferred_locales": ["de"],
            "tax_exempt": "exempt",
        },
    )
    changes = {"email": "", "address": {"city": ""}, "preferred_locales": "", "tax_exempt": ""}
    after = await api.customers("update", made.id, changes)
    assert after.email is None
    assert after.address.city is None
    assert after.address.line1 == ADDRESS["line1"]
    assert after.preferred_locales == []
    assert after.tax_exempt == "none"
    assert (await api.customers("update", made.id, {"address": ""})).address is None


@pytest.mark.asyncio
async def test_metadata_is_merged_key_by_key(api: Api) -> None:
    made = await api.customers("create", {"metadata": {"a": "1", "b": "2", "c": "3"}})
    after = await api.customers("update", made.id, {"metadata": {"a": "", "b": "20", "d": "4"}})
    assert after.metadata.to_dict() == {"b": "20", "c": "3", "d": "4"}
    assert (await api.customers("update", made.id, {"metadata": ""})).metadata.to_dict() == {}


@pytest.mark.asyncio
async def test_metadata_beyond_fifty_keys_is_refused_and_nothing_changes(api: Api) -> None:
    made = await api.customers("create", {"metadata": {f"k{n}": "v" for n in range(50)}})
    with pytest.raises(
        stripe.InvalidRequestError, match="Metadata can have up to 50 keys, but you've set 51"
    ):
        await api.customers("update", made.id, {"metadata": {"one_more": "v"}})
    swapped = await api.customers("update", made.id, {"metadata": {"one_more": "v", "k0": ""}})
    assert len(swapped.metadata.to_dict()) == 50


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ({"k" * 41: "v"}, "Metadata keys can have up to 40 characters, but you passed in a key that is 41"),
        (
            {"k": "v" * 501},
            "Metadata values can have up to 500 characters, but you passed in a value that is 501",
        ),
        ({"a[b]": "v"}, "square brackets"),
    ],
)
async def test_metadata_has_limits(api: Api, double: Driver, metadata: dict[str, str], sentence: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=sentence):
        await api.customers("create", {"metadata": metadata})
    assert double.objects("customer") == []


@pytest.mark.asyncio
async def test_metadata_at_its_limits_is_kept(api: Api) -> None:
    metadata = {"k" * 40: "é" * 500}
    assert (await api.customers("create", {"metadata": metadata})).metadata.to_dict() == metadata


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("given", "code", "param", "sentence"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour", "Received unknown parameter: colour"),
        (
            {"colour": "red", "size": 1},
            "parameter_unknown",
            "colour",
            "Received unknown parameters: colour, size",
        ),
        (
            {"address": {"zip": "1"}},
            "parameter_unknown",
            "address[zip]",
            r"Received unknown parameter: address\[zip",
        ),
        ({"email": "not-an-email"}, "email_invalid", "email", "Invalid email address: not-an-email"),
        ({"email": f"{'a' * 510}@b.c"}, None, "email", "must be at most 512 characters"),
        ({"name": "n" * 257}, None, "name", "must be at most 256 characters"),
        ({"phone": "1" * 21}, None, "phone", "must be at most 20 characters"),
        ({"name": ["a", "b"]}, None, "name", r'Invalid string: {"0":"a","1":"b"}'),
        ({"address": "Berlin"}, None, "address", "Invalid object: Berlin"),
        ({"preferred_locales": "de"}, None, "preferred_locales", "Invalid array: de"),
        ({"balance": "much"}, "parameter_invalid_integer", "balance", "Invalid integer: much"),
        (
            {"tax_exempt": "maybe"},
            None,
            "tax_exempt",
            "Invalid tax_exempt: must be one of none, reverse, or exempt",
        ),
        ({"shipping": {"name": "Ada"}}, "parameter_missing", "shipping[address]", "Missing required param"),
        ({"source": "tok_visa"}, None, "source", "does not model"),
    ],
)
async def test_a_wrong_parameter_is_named_and_nothing_is_made(
    api: Api, double: Driver, given: dict[str, object], code: str | None, param: str, sentence: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=sentence) as refused:
        await api.customers("create", given)
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)
    assert double.objects("customer") == []


@pytest.mark.asyncio
async def test_a_deleted_customer_answers_as_deleted_and_can_do_nothing(api: Api) -> None:
    made = await api.customers("create", {"name": "Ada"})
    stub = {"id": made.id, "object": "customer", "deleted": True}
    assert (await api.customers("delete", made.id)).to_dict() == stub
    assert (await api.customers("retrieve", made.id)).to_dict() == stub
    assert (await api.customers("list")).data == []
    for verb, arguments in (("update", ({"name": "B"},)), ("delete", ())):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await api.customers(verb, made.id, *arguments)
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


@pytest.mark.asyncio
async def test_an_unknown_customer_is_missing(api: Api) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such customer: 'cus_none'") as refused:
        await api.customers("retrieve", "cus_none")
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (
        404,
        "resource_missing",
        "id",
    )


@pytest.mark.asyncio
async def test_lists_inside_a_customer_are_there_only_when_expanded(api: Api) -> None:
    made = await api.customers("create", {"tax_id_data": [{"type": "eu_vat", "value": "DE123456789"}]})
    assert "tax_ids" not in made.to_dict()
    shown = await api.customers("retrieve", made.id, {"expand": ["tax_ids", "subscriptions"]})
    assert [one.value for one in shown.tax_ids.data] == ["DE123456789"]
    assert shown.subscriptions.data == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("verb", "path", "sentence"),
    [
        ("retrieve", "colour", r"This property cannot be expanded \(colour\)\.$"),
        ("retrieve", "colour.of.it", r"This property cannot be expanded \(colour\)\.$"),
        ("list", "tax_ids", "You may want to try expanding 'data.tax_ids' instead."),
    ],
)
async def test_what_cannot_be_expanded_is_refused_before_anything_is_looked_up(
    api: Api, verb: str, path: str, sentence: str
) -> None:
    arguments = ["cus_none"] if verb == "retrieve" else []
    with pytest.raises(stripe.InvalidRequestError, match=sentence):
        await api.customers(verb, *arguments, {"expand": [path]})
