"""A migration that fails: its file and the reason in a sentence, wherever migrations are run."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
from click.testing import Result

from fleet.local import services
from fleet.local.settings import LocalSettings
from sandbox.local.service import CannotStart
from state.postgres import migrate
from state.postgres.connection import Connection, connect
from tests.conftest import Stack

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.stack]

REFUSED: Final = (
    "-- Refused.\n-- depends:\n\n-- migrate: apply\nALTER TABLE nowhere ADD a text;\n-- migrate: rollback\n"
)
CUT_SHORT: Final = "-- Cut short.\n-- depends:\n"
BROKEN: Final = [
    (REFUSED, 'relation "nowhere" does not exist'),
    (CUT_SHORT, "No '-- migrate: apply' found."),
]


def put(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch, *, step: str = "expand") -> str:
    """Have this as the one migration; gives its name."""
    name = f"20990101_01_{step}_broken"
    (folder / f"{name}.sql").write_text(text)
    monkeypatch.setattr(migrate, "MIGRATIONS", folder)
    return name


@pytest.mark.parametrize(("text", "why"), BROKEN)
async def test_on_the_command_line_it_is_a_sentence(
    typed: Callable[..., Awaitable[Result]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    why: str,
) -> None:
    name = put(tmp_path, text, monkeypatch, step="contract")
    assert (await typed("migrate")).exit_code == 0
    refused = await typed("migrate", "--contract")
    assert isinstance(refused.exception, SystemExit)
    assert refused.exit_code == 1
    assert name in refused.output
    assert why in refused.output
    assert "unpack" not in refused.output


@pytest.mark.parametrize(("text", "why"), BROKEN)
async def test_a_local_start_says_it_too(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    async def ours(*_: object, **__: object) -> Connection:
        return await connect(stack.database_url, name="test")

    async def as_they_should_be(_: str) -> None:
        """Topics are not the point."""

    monkeypatch.setattr(services, "connect", ours)
    monkeypatch.setattr(services, "ensure_topics", as_they_should_be)
    name = put(tmp_path, text, monkeypatch)
    (tmp_path / "data").mkdir()
    settings = LocalSettings(local_data=tmp_path / "data", local_env_file=tmp_path / "run.env")
    worker = next(service for service in services.plan(settings) if service.prepare and service.after)
    assert worker.prepare is not None
    with pytest.raises(CannotStart, match=name) as problem:
        await worker.prepare(lambda _: None)
    assert why in str(problem.value)
