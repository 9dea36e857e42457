"""Whose operations a service sees at the iAPI: its own, and those it has the scope of the capability for."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis

from producers.http.operations import Operation
from producers.iapi.scopes import SCOPES
from producers.iapi.service_tokens import new_key
from producers.trace import new_id
from state.postgres.connection import Connection
from state.redis.operations import Underway, note_given_up
from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest
from tests.producers.surfaces import (
    AUDIENCE,
    PROFILE,
    Caller,
    Service,
    iapi_caller,
    service,
    settings,
    write_registry,
)
from tests.producers.test_iapi import refusal, result, signed

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


@pytest.fixture
def two_services(tmp_path: Path) -> tuple[Service, Service]:
    """Two services of one registry, each with every scope."""
    asker = service(tmp_path)
    private, public = new_key("stranger-1")
    stranger = replace(asker, name="stranger-service", private=private, public=public)
    write_registry(
        asker.registry,
        {
            one.name: {"audience": AUDIENCE, "scopes": sorted(SCOPES), "keys": [dict(one.public)]}
            for one in (asker, stranger)
        },
    )
    return asker, stranger


async def test_the_result_of_anothers_command_is_read_with_the_scope_of_its_capability(
    stack: Stack, lane: LaneUnderTest, connection: Connection, two_services: tuple[Service, Service]
) -> None:
    asker, stranger = two_services
    async with iapi_caller(settings(stack, lane), connection, asker) as iapi:
        answer = await iapi.http.put(iapi.internal("billing-profile"), json=PROFILE)
        path = f"/internal/v1/operations/{answer.headers['Operation-Id']}"
        own = await result(iapi, "GET", path, Operation, headers=signed(asker, "accounts:read"))
        assert own["type"] == "billing.profiles.upsert.v1"
        assert await refusal(iapi, "GET", path, headers=signed(stranger, "accounts:read")) == (404, 1404)
        seen = await result(iapi, "GET", path, Operation, headers=signed(stranger, "profiles:read"))
        assert seen["result"] == own["result"]


async def shown_to(iapi: Caller, path: str, asker: Service, stranger: Service) -> list[Any]:
    """The operation's status as its asker sees it, another with the scope of its capability, and one without."""
    found: list[Any] = []
    for headers in (
        signed(asker, "paypal-batches:read"),
        signed(stranger, "accounts:read"),
        signed(stranger, "paypal-batches:read"),
    ):
        shown = (await iapi.http.get(path, headers=headers)).json()
        found.append(
            (shown["result"] or {}).get("status", shown["errors"][0]["code"] if shown["errors"] else None)
        )
    return found


async def test_what_another_asks_for_is_not_known_without_the_scope_before_it_is_decided_either(
    stack: Stack,
    idle_lane: LaneUnderTest,
    connection: Connection,
    redis: Redis,
    two_services: tuple[Service, Service],
) -> None:
    asker, stranger = two_services
    async with iapi_caller(settings(stack, idle_lane), connection, asker) as iapi:
        asynchronous = {"Prefer": "respond-async"}
        taken = await iapi.http.put(
            iapi.internal("account-type"), json={"account_type": "enterprise"}, headers=asynchronous
        )
        assert taken.status_code == 202, taken.text
        path = taken.headers["Location"]
        assert await shown_to(iapi, path, asker, stranger) == ["pending", "pending", 1404]

        command_id = UUID(taken.headers["Operation-Id"])
        kind = (await iapi.http.get(path)).json()["result"]["type"]
        await note_given_up(redis, [(command_id, Underway(iapi.account_id, kind))])
        assert await shown_to(iapi, path, asker, stranger) == ["dead_letter", "dead_letter", 1404]

        headers = [["ce_type", kind], ["ce_actor", asker.name]]
        await connection.execute(
            "INSERT INTO parked_commands (account_id, command_id, lane, topic, partition, record_offset, timestamp_ms,"
            " headers, body, parked_at) VALUES ($1, $2, 'commands', 't', 0, 0, 0, $3, '', now())",
            iapi.account_id,
            command_id,
            json.dumps(headers),
        )
        assert await shown_to(iapi, path, asker, stranger) == ["parked", "parked", 1404]


async def test_a_letter_without_a_type_is_nobodys_business_but_its_askers(iapi: Caller, redis: Redis) -> None:
    """A record that no capability knows the type of is no defect of whoever asks for it."""
    command_id = new_id()
    await note_given_up(redis, [(command_id, Underway(iapi.account_id, "nonsense"))])
    assert await refusal(iapi, "GET", f"/internal/v1/operations/{command_id}") == (404, 1404)
