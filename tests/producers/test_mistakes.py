"""What a request's mistakes are answered with: our own sentences, each at its field; and nothing is passed over."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from producers.dashboard.app import ENDPOINTS as DASHBOARD
from producers.http.mistakes import NEUTRAL, explained
from producers.iapi.app import ENDPOINTS as IAPI
from tests.producers.surfaces import Caller

MODELS = {
    endpoint.body
    for endpoint in (*DASHBOARD, *IAPI)
    if endpoint.body and issubclass(endpoint.body, BaseModel)
}
WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    10**30,
    "",
    "x",
    "x" * 100_000,
    [],
    ["x"],
    ["x"] * 5_000,
    {},
    {"x": 1},
)


def mistakes(model: type[BaseModel]) -> Iterator[ValidationError]:
    """All that goes wrong when each field in turn, or the whole, is of another kind."""
    fields = (*model.model_fields, "stranger")
    bodies = [*WRONG, *({name: value} for name in fields for value in WRONG)]
    for body in bodies:
        try:
            model.model_validate_json(json.dumps(body))
        except ValidationError as error:
            yield error


@pytest.mark.parametrize("model", sorted(MODELS, key=str))
def test_no_mistake_is_told_in_the_words_of_the_validator(model: type[BaseModel]) -> None:
    found = list(mistakes(model))
    assert found
    for error in found:
        theirs = {item["msg"].rstrip(".") for item in error.errors()}
        told = explained(error)
        assert told.problems
        for problem in told.problems:
            assert problem.message.rstrip(".") not in theirs
            assert problem.message.endswith((".", "`."))
            assert problem.message != NEUTRAL, error.errors()


@pytest.mark.parametrize("body", ["{", "", '{"country": "\\ud800"}', "[" * 500, '{"a": 1,}'])
@pytest.mark.parametrize("model", sorted(MODELS, key=str))
def test_what_is_no_json_is_told_by_its_place_alone(model: type[BaseModel], body: str) -> None:
    with pytest.raises(ValidationError) as raised:
        model.model_validate_json(body)
    told = explained(raised.value).message
    assert re.fullmatch(
        r"The body is not valid JSON\. It can't be read at line \d+, column \d+\. Correct it, or use a library "
        r"that writes JSON\.",
        told,
    )


def test_what_nobody_thought_of_is_told_neutrally() -> None:
    class Odd(BaseModel):
        when: bytes

    with pytest.raises(ValidationError) as raised:
        Odd.model_validate({"when": 1})
    (problem,) = explained(raised.value).problems
    assert (problem.pointer, problem.message) == ("/when", NEUTRAL)


@pytest.mark.stack
@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"params": {"version": 1}}, "no such query parameter"),
        ({"params": {"expected_version": "one"}}, "positive number"),
        ({"json": {"expected_version": 1}}, "query parameter"),
        ({"json": [1]}, "takes no body"),
        ({"headers": {"If-Match": '"1"'}}, "If-Match"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, "not valid JSON"),
    ],
)
async def test_what_an_endpoint_without_a_body_would_ignore_is_refused(
    iapi: Caller, options: dict[str, Any], told: str
) -> None:
    answer = await iapi.http.put(iapi.internal("flags/bad_debt"), **options)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 1400)
    assert told in answer.text
    flags = (await iapi.http.get(iapi.internal("flags"))).json()["result"]
    assert flags["flag_names"] == []


@pytest.mark.stack
@pytest.mark.asyncio
async def test_an_empty_object_where_no_body_is_taken_does_no_harm(iapi: Caller) -> None:
    answer = await iapi.http.put(iapi.internal("flags/bad_debt"), json={})
    assert answer.status_code == 200, answer.text
