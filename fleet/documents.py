"""The documents that are made from the code: `python -m fleet.documents` writes them, `--check` compares.

Nothing here needs a running stack.
"""

import difflib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from fleet.environment import LogLevel
from fleet.settings import Settings
from observability import metrics
from producers.dashboard import app as dashboard
from producers.iapi import app as iapi
from producers.webhooks import document as webhooks
from topics import asyncapi
from topics.registry import MESSAGE_TYPES
from topics.table import TOPICS, Topic

FOLDER: Final = Path(__file__).parent.parent / "docs"
SHOWN: Final = 40
"""Lines of a difference that are shown."""
MADE: Final = "<!-- Made from the code by `python -m fleet.documents`; edit it there. -->"
WORDS: Final[Mapping[Any, str]] = {
    str: "text",
    int: "whole number",
    float: "number",
    SecretStr: "secret",
    Path | None: "path",
    LogLevel: "text",
}
ACCESS: Final = (
    "What the brokers have to allow, and nothing else (why: `docs/security.md`). A name is a member of the fleet or an "
    "entry point; operators are the hosts on which `fleet` is typed. Workers and operators also make topics that are "
    "missing and read the settings of all. Who reads for a group needs the group: `billing.` and the member's name."
)
KINDS: Final = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}


def metrics_page() -> str:
    """Every metric with type, labels, unit and meaning, from observability/metrics.py."""
    found = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    rows = []
    for metric in found:
        name = f"{metric._name}_total" if isinstance(metric, Counter) else metric._name
        labels, meaning = ", ".join(metric._labelnames), metric._documentation
        rows.append((f"`{name}`", KINDS[type(metric)], labels, metrics.unit(metric), meaning))
    return _page(
        "Metrics",
        "Served at `/metrics` by every process, in the Prometheus text format. Labels are bounded: no ids.",
        _table(("name", "type", "labels", "unit", "meaning"), rows),
    )


def settings_page() -> str:
    """Every setting, from fleet/settings.py."""
    rows = [
        (f"`{name.upper()}`", _kind(field), _default(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return _page(
        "Settings",
        "Each is an environment variable, read once when a process starts.",
        _table(("variable", "type", "default", "meaning"), rows),
    )


def topics_page() -> str:
    """Every topic and every message type, from topics/."""
    topics = [
        (f"`{t.name}`", t.key, str(t.partitions), _days(t), f"{t.max_bytes // 1024} KiB", t.about)
        for t in TOPICS
    ]
    access = [(f"`{t.name}`", ", ".join(t.writers), ", ".join(t.readers)) for t in TOPICS]
    messages = [
        (f"`{name}`", model.kind.value, _carriers(name), (model.__doc__ or "").strip().splitlines()[0])
        for name, model in sorted(MESSAGE_TYPES.items())
    ]
    return _page(
        "Topics and messages",
        "The whole contract, with schemas, headers and examples, is `asyncapi.json` beside this page.",
        _table(("topic", "key", "partitions", "kept", "largest record", "what"), topics),
        "## Who may write and read",
        ACCESS,
        _table(("topic", "may write", "may read"), access),
        "## Messages",
        _table(("type", "kind", "on", "what"), messages),
    )


def _kind(field: FieldInfo) -> str:
    limits = [f"{sign} {limit}" for sign, limit in _limits(field)]
    return " ".join([WORDS[field.annotation], *limits])


def _limits(field: FieldInfo) -> Iterable[tuple[str, Any]]:
    for found in field.metadata:
        for attribute, sign in (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<=")):
            if (limit := getattr(found, attribute, None)) is not None:
                yield sign, limit


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None:
        return "none"
    return f"`{value.get_secret_value() if isinstance(value, SecretStr) else value}`"


def _days(topic: Topic) -> str:
    return "for ever" if topic.retention is None else f"{topic.retention.days} days"


def _carriers(name: str) -> str:
    carrying = [topic for topic in TOPICS if MESSAGE_TYPES[name] in topic.messages]
    return ", ".join(topic.name.split(".")[1] for topic in carrying)


def _page(title: str, about: str, *parts: str) -> str:
    return "\n\n".join((f"# {title}", MADE, about, *parts)) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _json(document: Mapping[str, Any]) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


DOCUMENTS: Final[Mapping[str, Callable[[], str]]] = {
    "asyncapi.json": lambda: _json(asyncapi.document()),
    "metrics.md": metrics_page,
    "openapi-dashboard.json": lambda: _json(dashboard.document()),
    "openapi-iapi.json": lambda: _json(iapi.document()),
    "openapi-webhooks.json": lambda: _json(webhooks.document()),
    "settings.md": settings_page,
    "topics.md": topics_page,
}


def write(folder: Path = FOLDER) -> list[str]:
    """Write all documents; gives the names of those that were not up to date."""
    stale = [name for name, text in _made() if _kept(folder, name) != text]
    for name, text in _made():
        (folder / name).write_text(text)
    return stale


def differences(folder: Path = FOLDER) -> dict[str, list[str]]:
    """Of each document that is not up to date, how what is kept differs from what the code says."""
    return {
        name: list(difflib.unified_diff(kept.splitlines(), text.splitlines(), "kept", "made", lineterm=""))
        for name, text in _made()
        if (kept := _kept(folder, name)) != text
    }


def _made() -> list[tuple[str, str]]:
    return [(name, make()) for name, make in DOCUMENTS.items()]


def _kept(folder: Path, name: str) -> str:
    path = folder / name
    return path.read_text() if path.exists() else ""


def main(arguments: Sequence[str]) -> int:
    """The command line; 1 when `--check` finds something out of date."""
    if list(arguments) == ["--check"]:
        found = differences()
        for name, lines in found.items():
            print(f"docs/{name} is out of date; run: python -m fleet.documents")
            print("\n".join(lines[:SHOWN]))
        return 1 if found else 0
    if arguments:
        print(__doc__)
        return 2
    stale = write()
    print(f"Written: {', '.join(stale)}." if stale else "All documents were up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
