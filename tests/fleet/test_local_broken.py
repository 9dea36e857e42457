"""What a newcomer reads when the local data is damaged: the file, the reason, what to do."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from fleet.kafka_topics import TopicMismatchError
from fleet.local import credentials, services
from fleet.local.run import run_local
from fleet.local.settings import LocalSettings
from sandbox.local.console import as_shell_variables
from sandbox.local.ports import free_ports
from sandbox.local.service import CannotStart
from state.postgres.connection import Connection
from tests.fleet.local_fleet import PORTS

DAMAGE: dict[str, Callable[[Path, Path], object]] = {
    "registry cut short": lambda registry, _: registry.write_text('{"callers"'),
    "private key lost": lambda _, key: key.unlink(),
    "private key cut short": lambda _, key: key.write_text("{"),
    "private key of another kind": lambda _, key: key.write_text('{"kid": "demo-1", "kty": "oct"}'),
    "private key no key": lambda _, key: key.write_text("[]"),
}


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """The registry of a first start."""
    credentials.ensure_keys(tmp_path / "service-keys.json")
    return tmp_path / "service-keys.json"


def test_keys_are_made_once_and_kept(registry: Path) -> None:
    before = [path.read_text() for path in sorted(registry.parent.iterdir())]
    credentials.ensure_keys(registry)
    assert [path.read_text() for path in sorted(registry.parent.iterdir())] == before
    assert len(before) == 2
    assert (registry.parent / "demo-service.key.json").stat().st_mode & 0o077 == 0


def test_keys_that_were_half_made_are_made_anew(registry: Path) -> None:
    registry.unlink()
    credentials.ensure_keys(registry)
    assert credentials.service_token(registry)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_keys_are_a_message_that_names_both_files(
    damage: Callable[[Path, Path], object], registry: Path
) -> None:
    key = registry.parent / "demo-service.key.json"
    damage(registry, key)
    with pytest.raises(CannotStart, match="remove both files") as problem:
        credentials.ensure_keys(registry)
    assert str(registry) in str(problem.value)
    assert str(key) in str(problem.value)


@pytest.mark.asyncio
async def test_topics_of_another_shape_are_a_message_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closable:
        async def close(self) -> None:
            """Nothing to close."""

    async def connect(*_: object, **__: object) -> Closable:
        return Closable()

    async def up_to_date(_: Connection) -> None:
        """The schema is not the point."""

    async def refuse(_: str) -> None:
        raise TopicMismatchError("topic billing.commands.v1 has 3 partitions")

    monkeypatch.setattr(services, "connect", connect)
    monkeypatch.setattr(services, "apply_migrations", up_to_date)
    monkeypatch.setattr(services, "ensure_topics", refuse)
    settings = LocalSettings(local_data=tmp_path, local_env_file=tmp_path / "run.env")
    worker = next(service for service in services.plan(settings) if service.prepare and service.after)
    assert worker.prepare is not None
    with pytest.raises(CannotStart, match="has 3 partitions") as problem:
        await worker.prepare(lambda _: None)
    assert f"`mv {tmp_path} {tmp_path}.broken`" in str(problem.value)


@pytest.mark.parametrize(("folder", "stays"), [("data", False), ("elsewhere", True)])
def test_what_a_killed_run_left_for_shells_is_taken_away_as_a_start_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, stays: bool
) -> None:
    """Also by a start that fails, as its port is taken; what belongs to a run on other data stays."""
    left = tmp_path / "run.env"
    left.write_text(as_shell_variables({"SERVICE_KEYS": str(tmp_path / folder / "service-keys.json")}))
    monkeypatch.setenv("LOCAL_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LOCAL_ENV_FILE", str(left))
    ports = free_ports(len(PORTS))
    for name, port in zip(PORTS, ports, strict=True):
        monkeypatch.setenv(name, str(port))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports[0]))
        taken.listen()
        assert run_local() == 2
    assert left.exists() == stays


@pytest.mark.asyncio
async def test_a_halted_worker_is_quoted() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 No\r\nconnection: close\r\n\r\nthe cursor stands at 7")
        writer.close()

    halted, silent, other = free_ports(3)
    settings = LocalSettings(commands_worker_port=halted, bulk_worker_port=silent, effects_worker_port=other)
    async with await asyncio.start_server(answer, "127.0.0.1", halted):
        said = await services.worker_troubles(settings)
    assert said[0] == f"http://127.0.0.1:{halted}/readyz says: the cursor stands at 7"
    assert said[1] == f"http://127.0.0.1:{silent}/readyz does not answer (ConnectError)"
