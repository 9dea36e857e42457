"""Lists of the double: newest first, consistent, paged by cursor in both directions."""

from typing import Any

import pytest
import stripe

from sandbox.stripe.client import Api
from sandbox.stripe.driver import Driver


async def _made(api: Api, count: int) -> list[str]:
    """Ids of new customers, newest first."""
    return [(await api.customers("create", {"name": f"{n}"})).id for n in range(count)][::-1]


def _ids(found: list[Any]) -> list[str]:
    return [one.id for one in found]


@pytest.mark.asyncio
async def test_a_list_shows_what_was_just_made_newest_first(api: Api) -> None:
    made = await _made(api, 3)
    page = await api.customers("list")
    assert _ids(page.data) == made
    assert (page.has_more, page.url) == (False, "/v1/customers")


@pytest.mark.asyncio
async def test_paging_visits_every_customer_once(api: Api) -> None:
    made = await _made(api, 11)
    assert _ids(await api.all_of(await api.customers("list", {"limit": 3}))) == made


@pytest.mark.asyncio
async def test_paging_backwards_visits_every_customer_once_oldest_first(api: Api) -> None:
    made = await _made(api, 7)
    page = await api.customers("list", {"limit": 3, "ending_before": made[-1]})
    assert _ids(page.data) == made[-4:-1]
    assert _ids(await api.all_of(page)) == made[:-1][::-1]


@pytest.mark.asyncio
async def test_paging_goes_on_behind_a_customer_that_was_deleted_meanwhile(api: Api) -> None:
    made = await _made(api, 5)
    await api.customers("delete", made[1])
    page = await api.customers("list", {"starting_after": made[1]})
    assert _ids(page.data) == made[2:]


@pytest.mark.asyncio
async def test_a_limit_is_brought_into_its_range(api: Api) -> None:
    await _made(api, 102)
    for limit, shown in ((-1, 1), (0, 1), (2, 2), (100, 100), (101, 100)):
        page = await api.customers("list", {"limit": limit})
        assert (len(page.data), page.has_more) == (shown, True)


@pytest.mark.asyncio
async def test_a_list_is_filtered_by_email_exactly(api: Api) -> None:
    await api.customers("create", {"email": "ada@example.com"})
    other = await api.customers("create", {"email": "Ada@example.com"})
    assert _ids((await api.customers("list", {"email": "Ada@example.com"})).data) == [other.id]
    await api.customers("update", other.id, {"email": "new@example.com"})
    assert (await api.customers("list", {"email": "Ada@example.com"})).data == []


@pytest.mark.asyncio
async def test_a_list_is_filtered_by_time_of_creation(api: Api, double: Driver) -> None:
    old = await api.customers("create", {})
    double.settings(clock_offset=1000)
    new = await api.customers("create", {})
    for created, found in (
        ({"gt": old.created}, [new.id]),
        ({"gte": old.created}, [new.id, old.id]),
        ({"lt": new.created}, [old.id]),
        ({"gt": old.created, "lte": new.created}, [new.id]),
        (old.created, [old.id]),
    ):
        assert _ids((await api.customers("list", {"created": created})).data) == found


@pytest.mark.asyncio
async def test_a_cursor_that_is_no_customer_is_refused(api: Api) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such customer: 'cus_none'") as refused:
        await api.customers("list", {"starting_after": "cus_none"})
    assert (refused.value.http_status, refused.value.param) == (400, "starting_after")


@pytest.mark.asyncio
async def test_two_cursors_are_refused(api: Api) -> None:
    made = await _made(api, 2)
    with pytest.raises(stripe.InvalidRequestError, match="Received both starting_after and ending_before"):
        await api.customers("list", {"starting_after": made[0], "ending_before": made[1]})


@pytest.mark.asyncio
async def test_what_is_listed_can_be_expanded(api: Api) -> None:
    await api.customers("create", {"tax_id_data": [{"type": "us_ein", "value": "12-3456789"}]})
    page = await api.customers("list", {"expand": ["data.tax_ids"]})
    assert [one.value for one in page.data[0].tax_ids.data] == ["12-3456789"]
