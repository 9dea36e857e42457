"""A25 and A26, the PayPal fix: begin a batch of migrations, and see how far each account has come."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

import orjson
from pydantic import BaseModel
from starlette.responses import Response

from handlers.decision import Problem
from handlers.paypal_batches import LIFE
from handlers.paypal_migration import Migration
from producers.http.commands import ask
from producers.http.endpoints import Endpoint, Example, Visit
from producers.http.envelope import answer
from producers.http.errors import invalid, not_found
from producers.http.mistakes import mistaken
from producers.http.paging import QUERY, page_of
from producers.http.preferences import idempotency_key
from producers.iapi.scopes import PAYPAL_BATCHES_READ, PAYPAL_BATCHES_WRITE
from producers.trace import new_id
from state.postgres import accounts, paypal_batches
from state.postgres.connection import Connection, Row
from state.postgres.paypal_migrations import migration
from topics.codes import Code
from topics.ids import ACCOUNT_ID
from topics.paypal_batches import StartPayPalBatch
from topics.paypal_migrations import Brokenness, MigrationState

PATH: Final = "/paypal-migrations"
Status = Literal["running", "stopped", "expired", "waiting", "done"]


class BatchBegun(BaseModel):
    """A batch as it was asked for."""

    id: str
    dry_run: bool
    after: str | None
    cap: int
    reason: str
    asked_by: str
    stopped: bool
    version: int


class MethodsCounted(BaseModel):
    """How many methods stand there, by what is wrong with them."""

    state: MigrationState
    broken: Brokenness | None
    methods: int


class AccountsCounted(BaseModel):
    """How many accounts answered so: `pending`, `applied`, or `refused` with a code."""

    outcome: str
    code: int | None
    accounts: int


class MethodMoved(BaseModel):
    """How far one method has come; `awaited`: Braintree has yet to import it. References are shown by their ends."""

    method_id: str
    state: MigrationState
    broken: Brokenness | None
    old_reference: str
    new_reference: str | None
    awaited: bool
    charged: bool
    why: str | None
    since: datetime


class AccountMoved(BaseModel):
    """One account: what came of asking it, and its methods."""

    account_id: str
    outcome: str
    code: int | None
    why: str | None
    methods: list[MethodMoved]


class BatchShown(BatchBegun):
    """A batch and how far it has come.

    `expired`: it is too old to ask further accounts. `waiting`: all was done that can be, and methods wait for
    Braintree's import or for their first payment. `done`: nothing has a step before it any more.
    """

    status: Status
    why_stopped: str | None
    asked: int
    created_on: datetime
    methods: list[MethodsCounted]
    outcomes: list[AccountsCounted]
    accounts: list[AccountMoved]


async def begin(visit: Visit, given: StartPayPalBatch) -> Response:
    """Look at PayPal methods, and correct what a dry run found.

    Begin with a dry run, look at what it found, then name it in `after` with `dry_run` of false.
    """
    async with visit.surface.reading() as connection:
        await _check(connection, given)
    return await ask(replace(visit, account_id=_batch_id(visit)), given)


def _batch_id(visit: Visit) -> str:
    """The same for the same Idempotency-Key, which is kept by batch as it is by account elsewhere."""
    key = idempotency_key(visit.request)
    if key is None:
        return new_id().hex
    return hashlib.sha256(f"{visit.caller.id}\0{key}".encode()).hexdigest()[:32]


async def _check(connection: Connection, given: StartPayPalBatch) -> None:
    """Raises 1400 for accounts nobody has, and for a run that does not come after a dry run."""
    if given.accounts:
        known = await accounts.load(connection, list(given.accounts))
        unknown = [
            Problem(f"/accounts/{index}", "There is no such account.")
            for index, account_id in enumerate(given.accounts)
            if account_id not in known
        ]
        if unknown:
            raise mistaken(tuple(unknown[:20]))
    if given.dry_run != (given.after is None):
        raise invalid("A run that changes something names its dry run here, and only that.", "/after")
    if given.after is not None:
        before = await paypal_batches.find(connection, given.after)
        if before is None or not before["dry_run"]:
            raise invalid("There is no such dry run.", "/after")
        if before["finished_at"] is None or await paypal_batches.under_way(connection, given.after):
            raise invalid("That dry run is not through yet. Look at it, then try again.", "/after")


async def show(visit: Visit) -> Response:
    """How far a batch has come: methods by state, accounts by outcome, and each account on its page."""
    page, batch_id = page_of(visit.request), visit.path("batch_id")
    async with visit.surface.snapshot() as connection:
        found = await paypal_batches.find(connection, batch_id) if ACCOUNT_ID.fullmatch(batch_id) else None
        if found is None:
            raise not_found("There is no such batch.")
        counted = await paypal_batches.counts(connection, batch_id)
        outcomes = await paypal_batches.outcomes(connection, batch_id)
        listed = await paypal_batches.accounts(connection, batch_id, limit=page.size, offset=page.offset)
        ids = [row["account_id"] for row in listed]
        methods = await paypal_batches.methods(connection, batch_id, ids)
        under_way = await paypal_batches.under_way(connection, batch_id)
        waiting = await paypal_batches.waiting(connection, batch_id)
        halted = await paypal_batches.halted(connection, batch_id)
    total = sum(row["accounts"] for row in outcomes)
    pending = any(row["outcome"] == "pending" for row in outcomes)
    through = found["finished_at"] is not None and not under_way and not pending
    return answer(
        {
            **{name: found[name] for name in _BATCH},
            "status": _status(found, through=through, waiting=waiting > 0, halted=halted is not None),
            "why_stopped": halted,
            "methods": [dict(row) for row in counted],
            "outcomes": [dict(row) for row in outcomes],
            "accounts": _accounts(listed, methods),
        },
        result_info=page.info(len(listed), total),
    )


def _status(found: Row, *, through: bool, waiting: bool, halted: bool) -> Status:
    if through and not waiting:
        return "done"
    if found["finished_at"] is None and datetime.now(UTC) - found["created_on"] > LIFE:
        return "expired"
    if halted:
        return "stopped"
    return "waiting" if through else "running"


_BATCH: Final = (
    *("id", "dry_run", "after", "cap", "reason", "asked_by", "stopped", "version"),
    *("asked", "created_on"),
)


def _accounts(listed: Sequence[Row], methods: Iterable[Row]) -> list[dict[str, Any]]:
    by_account: dict[str, list[dict[str, Any]]] = {}
    for row in methods:
        by_account.setdefault(row["account_id"], []).append(shown(migration(row)))
    return [
        {
            "account_id": row["account_id"],
            "outcome": row["outcome"],
            "code": row["code"],
            "why": _refusal(row),
            "methods": by_account.get(row["account_id"], []),
        }
        for row in listed
    ]


def _refusal(row: Row) -> str | None:
    if row["code"] is None or row["answer"] is None:
        return None
    return str(orjson.loads(row["answer"]).get("message"))


def shown(one: Migration) -> dict[str, Any]:
    """A migration, JSON-ready. What may be a nonce is shown by its end only."""
    return {
        "method_id": one.method_id,
        "state": one.state.value,
        "broken": one.broken.value if one.broken else None,
        "old_reference": f"...{one.old.reference[-4:]}",
        "new_reference": f"...{one.new[-4:]}" if one.new else None,
        "awaited": one.awaited,
        "charged": one.charged,
        "why": one.why,
        "since": one.edited_on,
    }


_ID: Final = "019ab0d26f2c7a318c1e3f5b1d2a9c44"
_ACCOUNT: Final = "023e105f4ecef8ad9ca31a8372d0c353"
_BEGUN: Final[dict[str, Any]] = {
    "id": _ID,
    "dry_run": True,
    "after": None,
    "cap": 100,
    "reason": "ticket 4711",
    "asked_by": "service:support",
    "stopped": False,
    "version": 1,
}
_SHOWN: Final[dict[str, Any]] = {
    **_BEGUN,
    "status": "done",
    "why_stopped": None,
    "asked": 1,
    "created_on": "2026-11-28T09:30:15Z",
    "methods": [{"state": "found", "broken": "wrong_customer", "methods": 1}],
    "outcomes": [{"outcome": "applied", "code": None, "accounts": 1}],
    "accounts": [
        {
            "account_id": _ACCOUNT,
            "outcome": "applied",
            "code": None,
            "why": None,
            "methods": [
                {
                    "method_id": "7d9e0c1b2a3f4e5d6c7b8a9f0e1d2c3b",
                    "state": "found",
                    "broken": "wrong_customer",
                    "old_reference": "...f28w",
                    "new_reference": "...2c3b",
                    "awaited": False,
                    "charged": False,
                    "why": None,
                    "since": "2026-11-28T09:30:16Z",
                }
            ],
        }
    ],
}

ENDPOINTS: Final = (
    Endpoint(
        "POST",
        PATH,
        begin,
        "Begin a batch of PayPal migrations",
        scope=PAYPAL_BATCHES_WRITE,
        command=True,
        body=StartPayPalBatch,
        result=BatchBegun,
        example=Example(
            body={"dry_run": True, "accounts": [_ACCOUNT], "cap": 100, "reason": "ticket 4711"}, result=_BEGUN
        ),
        refusals=(Code.INVALID,),
    ),
    Endpoint(
        "GET",
        PATH + "/{batch_id}",
        show,
        "Show how far a batch has come",
        scope=PAYPAL_BATCHES_READ,
        query=QUERY,
        result=BatchShown,
        example=Example(result=_SHOWN),
    ),
)
