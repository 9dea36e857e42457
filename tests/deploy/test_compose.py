"""docker-compose.yml is accepted by Compose's own loader and describes the fleet that the code is."""

import re
from pathlib import Path
from typing import Any

import click
import pytest

from fleet.cli import main
from fleet.local import containers
from fleet.local.settings import LocalSettings
from fleet.members import BUILDERS
from fleet.serve import SURFACES
from fleet.settings import Settings
from sandbox.braintree.__main__ import _parser as braintree_options
from sandbox.stripe.__main__ import _parser as stripe_options
from tests.conftest import ROOT
from tests.deploy.conftest import load

IMAGE = "billing-fleet"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"


def ours(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The services that run the fleet's image, by name."""
    return {name: one for name, one in compose["services"].items() if one["image"] == IMAGE}


def running(compose: dict[str, Any]) -> list[list[str]]:
    """The commands of the services that leave the image's entry point, `fleet`, as it is."""
    return [one["command"] for one in ours(compose).values() if not one["entrypoint"]]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    image: redis:8\n", "    imagine: redis:8\n"),
        ("depends_on: *after-keys", "depends_on: [nobody]"),
        ("      - kafka:/var", "      - undeclared:/var"),
        ("redis:6379/0", "${UNSET:?must be set}"),
    ],
    ids=["unknown word", "unknown service", "unknown volume", "variable that is not set"],
)
def test_the_loader_refuses_what_compose_refuses(loader: Path, old: str, new: str, tmp_path: Path) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert old in text
    (tmp_path / "docker-compose.yml").write_text(text.replace(old, new))
    assert load(loader, tmp_path / "docker-compose.yml").returncode == 1


def test_every_member_is_run(compose: dict[str, Any]) -> None:
    hosted = [member for command in running(compose) if command[0] == "run" for member in command[1:]]
    assert sorted(hosted) == sorted(BUILDERS)


def test_every_entry_point_is_served(compose: dict[str, Any]) -> None:
    served = [command[1] for command in running(compose) if command[0] == "serve"]
    assert sorted(served) == sorted(SURFACES)


def test_every_other_command_can_be_given(compose: dict[str, Any]) -> None:
    services = ours(compose)
    for one in services.values():
        if one["entrypoint"] == ["python", "-m", "fleet.local.containers"]:
            name, *arguments = one["command"]
            command = containers.main.commands[name]
            command.parse_args(click.Context(command), arguments)
    prepare = " ".join(services["prepare"]["entrypoint"])
    assert set(re.findall(r"fleet (\w+)", prepare)) == {"migrate", "topics"} <= set(main.commands)
    assert services["stripe"]["entrypoint"] == ["python", "-m", "sandbox.stripe"]
    stripe_options().parse_args(services["stripe"]["command"])
    assert services["braintree"]["entrypoint"] == ["python", "-m", "sandbox.braintree"]
    braintree_options().parse_args(services["braintree"]["command"])


def test_every_variable_is_a_setting_and_its_value_is_taken(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in ours(compose).values():
        given = one["environment"]
        assert set(given) <= {name.upper() for name in Settings.model_fields}
        with monkeypatch.context() as environment:
            for name, value in given.items():
                environment.setenv(name, value)
            Settings()


def test_the_addresses_are_those_of_services(compose: dict[str, Any]) -> None:
    ports = {
        "postgres": "5432",
        "redis": "6379",
        "kafka": "9092",
        "stripe": "8090",
        "braintree": "8091",
        "webhooks": "8083",
    }
    for one in ours(compose).values():
        text = " ".join([*one["environment"].values(), *one["command"]]) if one["command"] else ""
        found = re.findall(r"(?:^|[@/ ])(\w+):(\d{4})\b", text)
        assert {host for host, _ in found} <= set(compose["services"])
        assert all(ports.get(host, str(LocalSettings().iapi_port)) == port for host, port in found)


def test_a_person_finds_everything_where_make_run_has_it(compose: dict[str, Any]) -> None:
    local = LocalSettings()
    for name, port in {
        "dashboard": local.dashboard_port,
        "iapi": local.iapi_port,
        "stripe": local.sandbox_port,
        "braintree": local.braintree_port,
        "webhooks": local.webhooks_port,
    }.items():
        (open_port,) = compose["services"][name]["ports"]
        assert (open_port["host_ip"], open_port["published"], open_port["target"]) == (
            "127.0.0.1",
            str(port),
            port,
        )


def test_redis_writes_nothing_to_a_disk(compose: dict[str, Any]) -> None:
    redis = compose["services"]["redis"]
    assert redis["command"] == ["redis-server", "--save", "", "--appendonly", "no"]
    assert not redis.get("volumes")


def test_prometheus_reads_every_member_and_entry_point(compose: dict[str, Any]) -> None:
    targets = re.findall(r'"([\w-]+):(\d+)"', (ROOT / "deploy" / "prometheus.yml").read_text())
    workers = ["webhooks-worker" if name == "webhooks" else name for name in BUILDERS]
    assert sorted(name for name, _ in targets) == sorted([*workers, *SURFACES])
    settings = Settings()
    served = {name: port(settings) for name, (_, port) in SURFACES.items()}
    for name, port in targets:
        worker_port = compose["services"][name]["environment"]["WORKER_PORT"]
        assert port == str(served.get(name, worker_port))


def test_everything_that_is_mounted_is_there_or_made(compose: dict[str, Any]) -> None:
    made = DOCKERFILE.read_text()
    for one in compose["services"].values():
        for mount in one.get("volumes", []):
            if mount["type"] == "bind":
                assert Path(mount["source"]).exists()
            else:
                assert mount["source"] in compose["volumes"]
            if one["image"] == IMAGE:
                assert re.search(rf"mkdir .*{mount['target']}\b", made)


def test_who_reads_the_keys_starts_after_they_were_made(compose: dict[str, Any]) -> None:
    services = ours(compose)
    readers = {
        name for name, one in services.items() if "SERVICE_KEYS" in one["environment"] and name != "keys"
    }
    assert readers == {"iapi", "accounts", "tokens"}

    def waits_for(name: str) -> set[str]:
        direct = services[name].get("depends_on", {}) if name in services else {}
        assert all(
            need["condition"] in ("service_completed_successfully", "service_healthy")
            for need in direct.values()
        )
        return set(direct).union(*(waits_for(need) for need in direct))

    assert all("keys" in waits_for(name) for name in readers)
    assert all("prepare" in waits_for(name) for name in services if name not in ("prepare", "keys"))


def test_every_room_that_a_container_needs_is_in_the_image() -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE.read_text(), re.MULTILINE))
    listed = re.search(r"root_packages =\n((?:    \w+\n)+)", (ROOT / ".importlinter").read_text())
    assert listed is not None
    assert copied == set(listed[1].split())
