"""Search of the double: it finds what was true a moment ago, and shows what is true now."""

import pytest
import stripe

from sandbox.stripe.client import Api
from sandbox.stripe.driver import Driver


async def _found(api: Api, query: str) -> list[str]:
    return [one.id for one in (await api.customers("search", {"query": query})).data]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("metadata['account_id']:'abc'", True),
        ('metadata["account_id"]:"ABC"', True),
        ("email:'ada@example.com'", True),
        ("name:'ada'", True),
        ("email:'ada@example.com' AND metadata['account_id']:'abc'", True),
        ("email:'ada@example.com' metadata['account_id']:'abc'", True),
        ("email:'ada@example.com' AND metadata['account_id']:'other'", False),
        ("metadata['account']:'abc'", False),
        ("metadata['quoted']:'it\\'s'", True),
    ],
)
async def test_search_matches_whole_values_without_regard_to_case(
    api: Api, query: str, matches: bool
) -> None:
    metadata = {"account_id": "Abc", "quoted": "it's"}
    made = await api.customers("create", {"name": "Ada", "email": "ada@example.com", "metadata": metadata})
    await api.customers("create", {"name": "Somebody"})
    assert await _found(api, query) == ([made.id] if matches else [])


@pytest.mark.asyncio
async def test_search_learns_of_a_new_customer_when_its_lag_has_passed(api: Api, double: Driver) -> None:
    double.settings(search_lag=60)
    made = await api.customers("create", {"email": "ada@example.com"})
    assert await _found(api, "email:'ada@example.com'") == []
    double.settings(clock_offset=61)
    assert await _found(api, "email:'ada@example.com'") == [made.id]


@pytest.mark.asyncio
async def test_search_matches_the_past_and_answers_the_present(api: Api, double: Driver) -> None:
    made = await api.customers("create", {"email": "old@example.com"})
    double.settings(clock_offset=1000, search_lag=60)
    await api.customers("update", made.id, {"email": "new@example.com"})
    stale = await api.customers("search", {"query": "email:'old@example.com'"})
    assert [one.email for one in stale.data] == ["new@example.com"]
    assert await _found(api, "email:'new@example.com'") == []
    double.settings(clock_offset=1061)
    assert await _found(api, "email:'old@example.com'") == []
    assert await _found(api, "email:'new@example.com'") == [made.id]


@pytest.mark.asyncio
async def test_a_deleted_customer_is_not_found(api: Api) -> None:
    made = await api.customers("create", {"email": "ada@example.com"})
    await api.customers("delete", made.id)
    assert await _found(api, "email:'ada@example.com'") == []


@pytest.mark.asyncio
async def test_a_search_is_paged(api: Api) -> None:
    made = [(await api.customers("create", {"metadata": {"plan": "pro"}})).id for _ in range(5)]
    page = await api.customers(
        "search", {"query": "metadata['plan']:'pro'", "limit": 2, "expand": ["total_count"]}
    )
    assert (page.has_more, page.total_count) == (True, 5)
    assert [one.id for one in await api.all_of(page)] == made[::-1]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"query": "asdf"}, "We were unable to parse your search query"),
        ({"query": "email:'a' OR email:'b'"}, "We were unable to parse your search query"),
        ({"query": "colour:'red'"}, "Field `colour` is an unsupported search field for resource `customers`"),
        ({"query": " ".join(["name:'a'"] * 11)}, "We were unable to parse your search query"),
        ({"query": ""}, "Missing required param: query"),
        ({"query": "name:'a'", "page": "???"}, "Invalid page token"),
    ],
)
async def test_a_query_it_does_not_understand_is_refused(
    api: Api, given: dict[str, str], sentence: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=sentence):
        await api.customers("search", given)
