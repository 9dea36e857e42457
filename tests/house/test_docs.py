"""What the documents name is there: files, commands, metrics, settings, messages, links, and examples that run."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import click
import pytest
from faststream import AckPolicy
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase

from fleet.cli import main
from fleet.local.settings import LocalSettings
from fleet.settings import Settings
from observability import metrics
from state.braintree.webhooks import READ
from state.stripe import events
from state.stripe.subscriptions import subscription
from tests.conftest import ROOT
from tests.house import written
from topics.codec import Reason
from topics.owners import Owner, owner
from topics.registry import MESSAGE_TYPES
from topics.table import COMMANDS, TOPICS

SCRATCH: Final = re.compile(r"notes?\b|_notes")
"""The capability that docs/adding-a-capability.md makes up."""
OTHERS: Final = frozenset(AckPolicy.__members__)
"""Words of FastStream."""

every_document = pytest.mark.parametrize(
    "page", written.DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT))
)


def source() -> str:
    """The code of the house, for words that only the code knows."""
    rooms = ("topics", "handlers", "state", "consumers", "producers", "fleet", "observability")
    return "\n".join(file.read_text() for room in rooms for file in sorted((ROOT / room).rglob("*.py")))


@every_document
def test_every_file_that_is_named_is_there(page: Path) -> None:
    named = {
        span for span in written.spans(page) if re.fullmatch(r"\.?[\w-]+(/[\w.-]+)*/?", span) and "/" in span
    }
    paths = {name for name in named if "." in name.rpartition("/")[2] or name.endswith("/")}
    missing = {name for name in paths if not SCRATCH.search(name) and not (ROOT / name).exists()}
    assert not {name for name in missing if not name.startswith(".")}


@every_document
def test_every_command_is_one_of_fleet(page: Path) -> None:
    for typed in written.commands(page):
        command: click.Command = main
        rest = typed
        while isinstance(command, click.Group) and rest:
            assert rest[0] in command.commands, f"fleet {' '.join(typed)}"
            command, rest = command.commands[rest[0]], rest[1:]
        options = {
            option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
        } | {"--help"}
        given = {word for word in rest if word.startswith("--")}
        assert given <= options, f"fleet {' '.join(typed)}"


@every_document
def test_every_member_and_surface_that_is_run_is_one(page: Path) -> None:
    for typed in written.commands(page):
        command = main.commands.get(typed[0])
        if typed[0] in ("run", "serve") and command is not None:
            kind = command.params[0].type
            assert isinstance(kind, click.Choice)
            assert set(typed[1:]) <= set(kind.choices)


@every_document
def test_every_metric_is_measured(page: Path) -> None:
    known = {
        metric._name + ("_total" if isinstance(metric, Counter) else "")
        for metric in vars(metrics).values()
        if isinstance(metric, MetricWrapperBase)
    }
    fields = set(re.findall(r"\w+", "".join(made.read_text() for made in (ROOT / "docs").glob("*.json"))))
    named = set(re.findall(r"\bbilling_[a-z_]+\b(?!\.py)", page.read_text()))
    assert not named - known - fields


@every_document
def test_every_variable_can_be_set(page: Path) -> None:
    known = {name.upper() for name in (*Settings.model_fields, *LocalSettings.model_fields)} | OTHERS
    found = [re.match(r"\$?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=|$)", span) for span in written.spans(page)]
    named = {match[1] for match in found if match}
    unknown = {name for name in named - known if not re.search(rf"\b{name}\b", source())}
    assert not unknown


@every_document
def test_every_topic_and_type_exists(page: Path) -> None:
    known = {*MESSAGE_TYPES, *(topic.name for topic in TOPICS)}
    named = set(re.findall(r"\bbilling\.[a-z-]+(?:\.[a-z-]+)*\.v\d\b", written.text(page)))
    assert not {name for name in named - known if not SCRATCH.search(name)}


@every_document
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in written.links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in written.anchors(file), target


@every_document
def test_every_python_example_can_be_read(page: Path) -> None:
    for block in written.blocks(page, "python"):
        compile(block, str(page), "exec", flags=0x2000)  # PyCF_ALLOW_TOP_LEVEL_AWAIT


def test_every_crash_point_is_in_the_code() -> None:
    page = ROOT / "docs" / "life-of-a-command.md"
    there = set(re.findall(r'crash_point\("([\w.]+)"\)', source()))
    named = {
        span
        for span in written.spans(page)
        if re.fullmatch(r"(loop|relay|effects|stripe|reconciler)\.\w+", span)
    }
    assert named
    assert named <= there
    assert {name for name in there if name.startswith("loop.")} <= named


def test_every_crash_point_of_payments_is_told() -> None:
    page = ROOT / "docs" / "payment-methods.md"
    families = r"(payments|braintree|webhooks|sweeps)\.\w+"
    there = set(re.findall(r'crash_point\("([\w.]+)"\)', source()))
    named = {span for span in written.spans(page) if re.fullmatch(families, span)}
    assert named == {name for name in there if re.fullmatch(families, name)}


def test_the_events_to_switch_on_are_those_that_are_read() -> None:
    page = ROOT / "docs" / "payment-methods.md"
    named = {span for span in written.spans(page) if re.fullmatch(r"[a-z_]+(\.[a-z_]+){1,2}", span)}
    prefixes = ("customer.", "payment_method.", "setup_intent.")
    stripe = {span for span in named if span.startswith(prefixes) and span != "payment_method.update"}
    elsewhere = {"customer.created", "customer.tax_id.created", "customer.tax_id.deleted"}
    followed = {span for span in stripe - {"customer.update"} if not span.startswith("setup_intent.")}
    assert followed == set(events.TYPES) - elsewhere, "sweeps follow these, and they are told of"
    assert set(written.spans(page)) >= READ


def test_every_log_line_of_the_runbook_is_written() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    named = {
        name for found in re.findall(r"log\s+line `(\w+)`(?: or `(\w+)`)?", page) for name in found if name
    }
    code = source()
    assert named
    assert not {name for name in named if f'"{name}"' not in code}


def test_what_sellers_of_domains_are_told_to_send_makes_a_domain() -> None:
    page = ROOT / "docs" / "upstream.md"
    sent = [
        word for block in written.blocks(page, "sh") for word in re.findall(r"metadata\[(\w+)\]=(\w+)", block)
    ]
    item = {"id": "si_1", "price": {"id": "price_1"}, "current_period_end": 1_700_000_000}
    whole = {
        "id": "sub_1",
        "customer": "cus_1",
        "status": "active",
        "collection_method": "charge_automatically",
        "items": {"data": [item]},
    }
    assert not subscription(whole).items[0].registrar
    assert subscription({**whole, "metadata": dict(sent)}).items[0].registrar


def test_the_runbook_knows_every_reason_of_a_dead_letter() -> None:
    page = ROOT / "docs" / "operations.md"
    assert {reason.value for reason in Reason} <= set(written.spans(page))


def test_the_runbook_knows_who_owns_a_dead_letter_of_each_reason() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, |; )?)+)", page, re.MULTILINE))
    told = {name: set(re.findall(r"`(\w+)`", rows[name])) for name in Owner}
    lane = {reason: owner(reason, COMMANDS.name) for reason in Reason}
    assert told == {one: {reason for reason, whose in lane.items() if whose is one} for one in Owner}


def test_the_composite_types_that_nothing_uses_are_told() -> None:
    page = (ROOT / "docs" / "adding-a-capability.md").read_text()
    (told,) = re.findall(
        r"^Types that no statement uses any more and that wait for that step: (.*?)\.$", page, re.M | re.S
    )
    kept = ROOT / "state" / "postgres"
    changes = [
        path.read_text().partition("-- migrate: rollback")[0] for path in kept.glob("migrations/*.sql")
    ]
    made = {name for text in changes for name in re.findall(r"CREATE TYPE (\w+)", text)}
    dropped = {
        name
        for text in changes
        for name in re.findall(r"\b(\w+_in_v\d+)\b", "".join(re.findall(r"DROP TYPE[^;]*", text)))
    }
    used = {name for path in kept.glob("*.sql") for name in re.findall(r"\b\w+_in_v\d+\b", path.read_text())}
    assert set(re.findall(r"`(\w+)`", told)) == made - dropped - used


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(page.name[:4]) for page in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_keys_and_the_token_of_the_example_are_accepted(tmp_path: Path) -> None:
    (example,) = written.blocks(ROOT / "docs" / "security.md", "python")
    checked = (
        "import time\n"
        "from producers.iapi.key_registry import parse\n"
        "from producers.iapi.service_tokens import verify\n"
        "caller, _ = verify(token, parse(Path('service-keys.json').read_text()), now=time.time())\n"
        "print(caller.id, *sorted(caller.scopes))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", example + checked],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "accounts-service accounts:read accounts:write\n", done.stderr
