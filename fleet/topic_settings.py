"""What the settings of a topic come to: those that would lose records or stop lanes, and those that only differ."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from topics.table import DEAD_LETTERS, Topic

FOR_EVER: Final = -1


def wanted(topic: Topic) -> dict[str, str]:
    """The settings of a topic by the table of topics, as Kafka names them."""
    retention = FOR_EVER if topic.retention is None else int(topic.retention.total_seconds() * 1000)
    return {
        "retention.ms": str(retention),
        "retention.bytes": str(FOR_EVER),
        "cleanup.policy": "delete",
        "max.message.bytes": str(topic.max_bytes),
        "message.timestamp.type": "LogAppendTime",
        # The broker unpacks what a producer compressed, so that anybody can read it.
        "compression.type": "uncompressed",
    }


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that is not as in the table. `harm` says what it does; None when it does none."""

    topic: str
    setting: str
    found: str
    wanted: str
    harm: str | None

    def __str__(self) -> str:
        harm = f", which {self.harm}" if self.harm else ""
        return f"{self.topic} has {self.setting}={self.found} where {self.wanted} is meant{harm}"


def differences(topic: Topic, found: Mapping[str, str | None]) -> list[Difference]:
    """How a topic differs from the table; a setting that the brokers do not tell is not judged."""
    return [
        Difference(topic.name, setting, value, meant, _harm(topic, setting, value, meant))
        for setting, meant in wanted(topic).items()
        if (value := found.get(setting)) is not None and value != meant
    ]


def _harm(topic: Topic, setting: str, found: str, meant: str) -> str | None:
    if setting == "cleanup.policy" and "compact" in found:
        return "drops all but the last record of an account"
    if setting == "message.timestamp.type":
        return "lets producers date records, by which ids are judged and records dropped"
    if setting in ("retention.ms", "retention.bytes") and _shorter(found, meant):
        return "drops records that may not be applied yet"
    if setting == "max.message.bytes" and int(found) < int(meant):
        return "refuses records that have to be written"
    if setting == "max.message.bytes" and topic != DEAD_LETTERS:
        return "takes records that no dead letter has room for"
    return None


def _shorter(found: str, meant: str) -> bool:
    """Of two times or sizes, of which -1 has no end."""
    return int(found) != FOR_EVER and (int(meant) == FOR_EVER or int(found) < int(meant))


def advice(found: Iterable[Difference], bootstrap: str) -> str:
    """What to run so that the topics are as they should be."""
    by_topic: dict[str, list[str]] = {}
    for one in found:
        by_topic.setdefault(one.topic, []).append(f"{one.setting}={one.wanted}")
    return "\n".join(
        f"  kafka-configs.sh --bootstrap-server {bootstrap} --alter --entity-type topics --entity-name {topic} "
        f"--add-config {','.join(settings)}"
        for topic, settings in by_topic.items()
    )
