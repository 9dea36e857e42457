"""A setting that can't be one is a sentence with its name, and status 2."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fleet.cli import main
from fleet.environment import MistypedError
from fleet.settings import Settings
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def _logs_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """How a process logs is settled for good: not for this one, which has other tests to run."""
    monkeypatch.setattr(sys.modules["fleet.cli.main"], "configure", lambda level: None)


@pytest.mark.parametrize(
    ("words", "name", "value", "said"),
    [
        (
            "run bulk",
            "LANE_WORKERS",
            "0",
            "LANE_WORKERS='0' can't be used. It must be greater than or equal to 1.",
        ),
        ("run bulk", "WORKER_PORT", "99999", "WORKER_PORT='99999' can't be used."),
        ("topics", "TOPIC_REPLICATION", "", "TOPIC_REPLICATION='' can't be used. It must be a valid integer"),
        (
            "run relay",
            "LOG_LEVEL",
            "loud",
            "LOG_LEVEL='loud' can't be used. It must be 'DEBUG', 'INFO', 'WARNING' or",
        ),
        ("local", "LANE_WORKERS", "0", "LANE_WORKERS='0' can't be used. It must be greater than"),
        ("run commands", "REDIS_URL", "foo", "REDIS_URL='...' can't be used."),
        ("run relay", "DATABASE_URL", "postgres:secret@there", "DATABASE_URL='...' can't be used."),
        (
            "run relay",
            "KAFKA_BOOTSTRAP",
            "127.0.0.1:abc",
            "KAFKA_BOOTSTRAP='127.0.0.1:abc' can't be used.",
        ),
        ("local", "DASHBOARD_PORT", "0", "DASHBOARD_PORT='0' can't be used. It must be greater than"),
        ("serve iapi", "SERVICE_KEYS", "/nope", "SERVICE_KEYS='/nope' can't be used."),
        ("local", "DASHBOARD_PORT", "abc", "DASHBOARD_PORT='abc' can't be used. It must be a valid integer"),
    ],
)
def test_a_mistyped_setting_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, words: str, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    refused = CliRunner().invoke(main, words.split())
    assert said in refused.output
    assert refused.exit_code == 2


def test_every_wrong_variable_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANE_BATCH", "many")
    monkeypatch.setenv("HOST", "127.0.0.1")
    monkeypatch.setenv("INVALID_SHARE", "-1")
    with pytest.raises(MistypedError) as wrong:
        Settings()
    assert [line.partition("=")[0] for line in str(wrong.value).splitlines()] == [
        "LANE_BATCH",
        "INVALID_SHARE",
        "All settings: docs/settings.md.",
    ]


def test_a_registry_that_is_none_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    registry = tmp_path / "keys.json"
    registry.write_text("{}")
    monkeypatch.setenv("SERVICE_KEYS", str(registry))
    refused = CliRunner().invoke(main, ["serve", "iapi"])
    assert "The registry of callers is not valid" in refused.output
    assert refused.exit_code == 2


def test_make_run_says_it_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fleet", "local"],
        cwd=ROOT,
        env={"DASHBOARD_PORT": "abc", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "DASHBOARD_PORT='abc' can't be used" in done.stderr
