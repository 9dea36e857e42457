"""The OpenAPI documents: made without a stack, with an example that its own schema accepts on every operation."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter
from starlette.requests import Request

from handlers.profile_rules import normalise, problems
from producers.dashboard import app as dashboard
from producers.http.endpoints import Endpoint
from producers.http.errors import ApiError
from producers.http.query import MOST_VERSION, expected_version
from producers.http.routing import NamedRoute
from producers.iapi import app as iapi
from producers.webhooks import app as webhooks
from producers.webhooks import document as webhooks_document
from state.braintree.webhooks import Keys
from state.stripe.webhooks import Secrets

SURFACES = pytest.mark.parametrize("document", [dashboard.document, iapi.document])
ALL = pytest.mark.parametrize(
    "document",
    [dashboard.document, iapi.document, webhooks_document.document],
    ids=lambda one: one.__module__,
)
EVERY = [*dashboard.ENDPOINTS, *iapi.ENDPOINTS]
KEYS = ("merchant_id", "public_key", "private_key")
Document = Callable[[], dict[str, Any]]


def operations(document: Document) -> Iterator[dict[str, Any]]:
    for path in document()["paths"].values():
        yield from path.values()


@SURFACES
def test_every_operation_shows_an_example_of_its_answer(document: Document) -> None:
    for operation in operations(document):
        for answer in operation["responses"].values():
            assert answer["content"]["application/json"]["example"].keys() >= {"success", "result"}


@SURFACES
def test_every_body_is_described_with_an_example(document: Document) -> None:
    for operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["example"]
            assert content["schema"]["properties"]


@ALL
def test_every_operation_has_a_name_of_its_own(document: Document) -> None:
    names = [operation["operationId"] for operation in operations(document)]
    assert len(names) == len(set(names))


@SURFACES
def test_commands_say_that_they_may_take_longer_and_take_keys(document: Document) -> None:
    commands = [operation for operation in operations(document) if "202" in operation["responses"]]
    assert commands
    for command in commands:
        names = {parameter["name"] for parameter in command["parameters"]}
        assert names >= {"Idempotency-Key", "Prefer"}
        assert {"400", "401", "403", "409", "413", "415", "423", "429", "500", "503"} == set(
            command["responses"]
        ) - {"200", "202", "402", "404"}


@SURFACES
def test_whatever_can_happen_to_any_request_is_described(document: Document) -> None:
    for path in document()["paths"].values():
        for method, operation in path.items():
            answers = operation["responses"]
            assert "1500" in answers["500"]["description"]
            assert ("1314" in answers.get("409", {}).get("description", "")) == ("202" in answers)
            assert {"413", "415"} <= answers.keys() or method == "get"


@SURFACES
def test_parameters_are_numbers_within_bounds(document: Document) -> None:
    found = {
        parameter["name"]: parameter["schema"]
        for operation in operations(document)
        for parameter in operation["parameters"]
        if parameter["in"] == "query"
    }
    assert found
    for schema in found.values():
        assert schema["type"] == "integer"
        assert 1 <= schema["minimum"] < schema["maximum"]


@pytest.mark.parametrize(
    ("given", "taken"),
    [("0", False), ("1", True), (str(MOST_VERSION), True), (str(MOST_VERSION + 1), False), ("x", False)],
)
def test_an_expected_version_is_taken_within_its_bounds(given: str, taken: bool) -> None:
    request = Request({"type": "http", "query_string": f"expected_version={given}".encode(), "headers": []})
    if taken:
        assert expected_version(request) == int(given)
        return
    with pytest.raises(ApiError):
        expected_version(request)


@ALL
def test_references_lead_somewhere(document: Document) -> None:
    whole = document()

    def references(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for inner in value.values():
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    found = set(references(whole))
    assert found
    for reference in found:
        place: Any = whole
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_every_webhook_that_is_served_is_described_with_examples() -> None:
    settings = webhooks.Settings("127.0.0.1:1", Secrets(["whsec"]), Keys(**dict.fromkeys(KEYS, "x")))
    served = {
        (route.path, method.lower())
        for route in webhooks.create_app(settings).routes
        if isinstance(route, NamedRoute) and route.path.startswith("/webhooks/")
        for method in (route.methods or set()) - {"HEAD"}
    }
    paths = webhooks_document.document()["paths"]
    assert served == {(path, method) for path, methods in paths.items() for method in methods}
    for operation in operations(webhooks_document.document):
        assert {"200", "400"} <= operation["responses"].keys()
        for answer in operation["responses"].values():
            (content,) = answer["content"].values()
            assert content["example"]
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["examples"]
            assert content["schema"]["properties"]


@pytest.mark.parametrize("endpoint", EVERY, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_examples_are_what_the_models_accept(endpoint: Endpoint) -> None:
    TypeAdapter(endpoint.result).validate_json(json.dumps(endpoint.example.result))
    if endpoint.body is not None:
        TypeAdapter(endpoint.body).validate_json(json.dumps(endpoint.example.body))


@pytest.mark.parametrize("endpoint", EVERY, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_an_example_of_a_profile_is_a_valid_profile(endpoint: Endpoint) -> None:
    body = endpoint.example.body
    if endpoint.command and isinstance(body, dict) and "country" in body:
        assert problems(normalise(body)) == ()


def test_only_address_validation_is_open_to_everybody() -> None:
    assert [endpoint.path for endpoint in EVERY if not endpoint.credentials] == [
        "/billing/address-validation"
    ]


def test_whatever_changes_something_is_a_command() -> None:
    reading = {"/billing/address-validation", "/accounts/billing-state/batch"}
    for endpoint in EVERY:
        changes = endpoint.method != "GET" and not endpoint.path.endswith(("/validate", "/check"))
        assert endpoint.command == (changes and endpoint.path not in reading)
