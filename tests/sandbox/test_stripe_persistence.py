"""The state of the double outlives it: killed at any moment, what it answered is true afterwards."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import stripe

from sandbox.stripe import process
from sandbox.stripe.client import Api
from sandbox.stripe.driver import Driver
from sandbox.stripe.process import Child, DidNotStart

Start = Callable[..., Child]
UNLIMITED = ("--rate", "0", "--endpoint-rate", "0")


@pytest.mark.asyncio
async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    child = process.start(tmp_path, *UNLIMITED)
    api, driver = Api(child.url, mode="async"), Driver(child.url)
    made = await api.customers("create", {"name": "Ada", "email": "a@example.com"}, key="k")
    driver.settings(clock_offset=5000)
    await api.close()
    driver.close()
    child.stop()

    child = process.start(tmp_path, *UNLIMITED)
    api, driver = Api(child.url, mode="async"), Driver(child.url)
    assert (await api.customers("retrieve", made.id)).to_dict() == made.to_dict()
    assert (await api.customers("list", {"email": "a@example.com"})).data[0].id == made.id
    assert (await api.customers("search", {"query": "name:'ada'"})).data[0].id == made.id
    again = await api.customers("create", {"name": "Ada", "email": "a@example.com"}, key="k")
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert driver.settings()["clock_offset"] == 5000
    assert len(driver.effects()) == 1
    await api.close()
    driver.close()
    child.stop()


async def _create_until_it_dies(api: Api, worker: int, answered: dict[str, str]) -> None:
    for n in range(10_000):
        key = f"{worker}-{n}"
        try:
            answered[key] = (await api.customers("create", {"name": key}, key=key)).id
        except stripe.APIConnectionError:
            return


@pytest.mark.asyncio
async def test_a_killed_double_keeps_what_it_answered_and_nothing_by_half(tmp_path: Path) -> None:
    child = process.start(tmp_path, *UNLIMITED)
    api = Api(child.url, mode="async")
    answered: dict[str, str] = {}
    work = [asyncio.create_task(_create_until_it_dies(api, worker, answered)) for worker in range(8)]
    while len(answered) < 200:
        await asyncio.sleep(0.005)
    await asyncio.to_thread(child.kill)
    await asyncio.gather(*work)
    await api.close()

    child = process.start(tmp_path, *UNLIMITED)
    api, driver = Api(child.url, mode="async"), Driver(child.url)
    kept = {one["name"]: one["id"] for one in driver.objects("customer")}
    assert answered.items() <= kept.items()
    assert {one["idempotency_key"]: one["object_id"] for one in driver.effects()} == kept
    for key, id_ in kept.items():
        again = await api.customers("create", {"name": key}, key=key)
        assert (again.id, again.last_response.headers.get("idempotent-replayed")) == (id_, "true")
    await api.close()
    driver.close()
    child.stop()


def test_a_folder_in_use_is_a_clear_message(tmp_path: Path) -> None:
    child = process.start(tmp_path)
    with pytest.raises(DidNotStart, match="is in use by another double of Stripe"):
        process.start(tmp_path)
    child.stop()


def test_a_port_in_use_is_a_clear_message(tmp_path: Path) -> None:
    child = process.start(tmp_path / "one")
    with pytest.raises(DidNotStart, match="cannot be used: Address already in use"):
        process.start(tmp_path / "two", port=int(child.url.rpartition(":")[2]))
    child.stop()


def test_a_broken_file_is_a_clear_message(tmp_path: Path) -> None:
    (tmp_path / "stripe.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(DidNotStart, match="move it away to start afresh"):
        process.start(tmp_path)
