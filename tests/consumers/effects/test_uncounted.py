"""Effects that can't be counted are done all the same, and finished ones are forgotten; nobody is shown old figures."""

from math import isnan
from uuid import uuid4

import pytest
from asyncpg.exceptions import InsufficientPrivilegeError, PostgresError, QueryCanceledError
from prometheus_client import REGISTRY

from consumers.effects import EffectsSettings
from state.postgres import effects
from tests.consumers.effects.work import at_once, owe, performed_by
from tests.consumers.effects.world import World, until

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]

SETTINGS = EffectsSettings(poll_seconds=0.02, gauge_seconds=0.02)
REFUSED = pytest.mark.parametrize("refused", [QueryCanceledError, InsufficientPrivilegeError])


def figures(target: str) -> list[float | None]:
    """What is shown of this target's open effects, and of accounts by their sync."""
    labels = {"target": target, "state": "open"}
    return [
        REGISTRY.get_sample_value("billing_effects_backlog", labels),
        REGISTRY.get_sample_value("billing_effects_oldest_seconds", labels),
        *(
            REGISTRY.get_sample_value("billing_stripe_sync_accounts", {"state": state})
            for state in ("pending", "failed", "synced")
        ),
    ]


@REFUSED
async def test_what_cannot_be_counted_is_not_known_and_is_done_and_purged(
    world: World, monkeypatch: pytest.MonkeyPatch, refused: type[PostgresError]
) -> None:
    target, old = uuid4().hex, uuid4().hex

    async def uncounted(*_: object) -> None:
        raise refused

    async def shown() -> bool:
        return figures(target)[0] == 1

    async def unknown() -> bool:
        return all(found is not None and isnan(found) for found in figures(target))

    async def forgotten() -> bool:
        return not await world.effect_rows(old)

    async def done() -> bool:
        return [row["state"] for row in await world.effect_rows(old)] == ["done"]

    async with world.member(performed_by(at_once), SETTINGS):
        await owe(world, uuid4().hex, target=target, kind="nobody's")
        await until(shown)
        monkeypatch.setattr(effects, "backlog", uncounted)
        await until(unknown)
        await owe(world, old)
        await until(done)
        await world.connection.execute(
            "UPDATE effects SET finished_at = now() - interval '20 days' WHERE account_id = $1", old
        )
        await until(forgotten)


@REFUSED
async def test_what_cannot_be_purged_is_counted(
    world: World, monkeypatch: pytest.MonkeyPatch, refused: type[PostgresError]
) -> None:
    target = uuid4().hex

    async def unpurged(*_: object) -> int:
        raise refused

    async def shown() -> bool:
        return figures(target)[0] == 1

    monkeypatch.setattr(effects, "purge", unpurged)
    async with world.member(settings=SETTINGS):
        await owe(world, uuid4().hex, target=target, kind="nobody's")
        await until(shown)
