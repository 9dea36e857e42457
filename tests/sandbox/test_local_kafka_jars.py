"""Kafka's jars: only what the lock file names gets in, once, however many ask."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.local import kafka_jars
from sandbox.local.kafka_jars import Jar, install, is_complete, locked, place
from sandbox.local.service import CannotStart


def quietly(_: str) -> None:
    """What is said is not the point here."""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "kafka.lock"
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("broker", "logger")}
    path.write_text("# two\n" + "".join(f"{digest} org.x:{name}:1.0\n" for name, digest in digests.items()))
    return path


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replaces the network: the content of each file is its artifact's name."""
    names: list[str] = []

    def download(jar: Jar, cache: Path) -> Path:
        names.append(jar.artifact)
        cache.mkdir(exist_ok=True)
        (cache / jar.file).write_text(jar.artifact)
        return cache / jar.file

    monkeypatch.setattr(kafka_jars, "_download", download)
    return names


def test_the_lock_pins_kafka_and_says_nothing_of_where_it_came_from() -> None:
    jars = {f"{jar.group}:{jar.artifact}:{jar.version}": jar for jar in locked()}
    assert set(kafka_jars.WANTED) <= set(jars)
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in jars.values())
    assert len({jar.file for jar in jars.values()}) == len(jars)
    text = kafka_jars.LOCK.read_text()
    assert "://" not in text
    assert "/" not in text


def test_what_is_locked_is_fetched_once(tmp_path: Path, lock: Path, fetched: list[str]) -> None:
    cache = tmp_path / "cache"
    for _ in range(2):
        install(cache, quietly, lock)
    assert sorted(fetched) == ["broker", "logger"]
    assert sorted(path.name for path in place(cache, lock).iterdir()) == ["broker-1.0.jar", "logger-1.0.jar"]


def test_two_stacks_that_prepare_at_once_fetch_once(tmp_path: Path, lock: Path, fetched: list[str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: install(tmp_path / "cache", quietly, lock), range(4)))
    assert sorted(fetched) == ["broker", "logger"]
    assert is_complete(tmp_path / "cache", lock)


def test_a_file_that_is_not_the_locked_one_is_refused(tmp_path: Path, lock: Path, fetched: list[str]) -> None:
    lock.write_text(lock.read_text().replace("org.x:logger", "org.x:tampered"))
    with pytest.raises(CannotStart, match=r"tampered-1.0.jar is not the file this project trusts"):
        install(tmp_path / "cache", quietly, lock)
    assert "tampered" in fetched
    assert not is_complete(tmp_path / "cache", lock)


def test_a_new_lock_gets_a_place_of_its_own(tmp_path: Path, lock: Path, fetched: list[str]) -> None:
    install(tmp_path / "cache", quietly, lock)
    lock.write_text(lock.read_text() + "# upgraded\n")
    assert not is_complete(tmp_path / "cache", lock)
    install(tmp_path / "cache", quietly, lock)
    assert len(fetched) == 4


def test_no_network_is_a_message(tmp_path: Path, lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(jar: Jar, cache: Path) -> Path:
        raise ConnectionError(cache, jar)

    monkeypatch.setattr(kafka_jars, "_download", unreachable)
    with pytest.raises(CannotStart, match="needs access to Maven Central"):
        install(tmp_path / "cache", quietly, lock)
