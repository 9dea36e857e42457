"""Where transactions are kept: a row each, with what is searched for in columns of its own."""

from dataclasses import dataclass

import orjson

from sandbox.braintree.store import Body, Store

INDEXED = {
    "order_id": "order_id",
    "customer_id": "customer_id",
    "payment_method_token": "json_extract(CAST(body AS TEXT), '$.credit_card.token')",
}
"""What an index finds, by the name under which it is searched for."""
SUCCESSFUL = ("authorized", "submitted_for_settlement", "settling", "settled", "voided")
"""What a transaction must be in so that one like it is a duplicate."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A transaction: as the gateway shows it, what paid for it, and when time changes it (None: never).

    `instrument` tells payers apart as the check for duplicates does: the e-mail address of a PayPal account, the
    number of a card; refunds have names of their own. `created` and `due` are in the double's clock.
    """

    body: Body
    instrument: str
    created: float
    due: float | None = None


def put(store: Store, kept: Kept) -> None:
    """The transaction as it is from now on."""
    body = kept.body
    store.execute(
        "INSERT INTO transactions (id, customer_id, order_id, amount, instrument, status, created, due, body) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET status = excluded.status, due = excluded.due, body = excluded.body",
        (
            *(body["id"], body["customer"]["id"], body["order_id"], body["amount"], kept.instrument),
            *(body["status"], kept.created, kept.due, orjson.dumps(body)),
        ),
    )


def find(store: Store, id_: str) -> Kept | None:
    """The transaction with this id."""
    found = _read(store, "WHERE id = ?", (id_,))
    return found[0] if found else None


def due(store: Store, now: float) -> list[Kept]:
    """The transactions that time changes now, the longest due first."""
    return _read(store, "WHERE due <= ? ORDER BY due, seq", (now,))


def newest(store: Store, equal: dict[str, str] | None = None, *, most: int = -1) -> list[Body]:
    """The transactions, as the gateway shows them, newest first; those with these values of what is `INDEXED`."""
    equal = equal or {}
    where = " AND ".join(f"{INDEXED[name]} = ?" for name in equal) or "TRUE"
    found = _read(store, f"WHERE {where} ORDER BY seq DESC LIMIT ?", (*equal.values(), most))
    return [kept.body for kept in found]


def counts(store: Store) -> dict[str, int]:
    """How many transactions are in each status."""
    return dict(store.execute("SELECT status, count(*) FROM transactions GROUP BY status").fetchall())


def alike(store: Store, *, amount: str, order_id: str | None, instrument: str, since: float) -> str | None:
    """The id of a successful transaction after that moment which equals this one."""
    row = store.execute(
        "SELECT id FROM transactions WHERE instrument = ? AND created > ? AND amount = ? AND order_id IS ? "
        "AND status IN (SELECT value FROM json_each(?)) LIMIT 1",
        (instrument, since, amount, order_id, orjson.dumps(SUCCESSFUL).decode()),
    ).fetchone()
    return row[0] if row else None


def _read(store: Store, rest: str, values: tuple[object, ...]) -> list[Kept]:
    rows = store.execute(f"SELECT body, instrument, created, due FROM transactions {rest}", values)  # noqa: S608
    return [Kept(orjson.loads(body), *others) for body, *others in rows]
