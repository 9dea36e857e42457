"""More than a hundred methods of all kinds, moved while everything that moves them is killed."""

from pathlib import Path

import pytest

from tests.drills.arena import arena
from tests.drills.complaint import report
from tests.drills.paypal.drill import paypal_drill
from tests.drills.servers import Servers

pytestmark = [pytest.mark.asyncio, pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(900)]

METHODS = 120


async def test_each_method_ends_in_its_right_state_none_is_lost_and_none_is_charged(
    drill_servers: Servers, folder: Path, seed: int
) -> None:
    async with arena(drill_servers, folder, seed, 1) as drill:
        found = await paypal_drill(drill, METHODS)
        print(found.figures)
        assert not found.complaints, f"{report(seed, found.complaints)}\nlogs: {folder}"
        assert found.figures["kills"]
