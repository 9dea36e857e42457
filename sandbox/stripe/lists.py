"""Lists and search results: newest first, pages by cursor, the same shape for every resource.

Lists are consistent: what was answered is in them. A limit outside 1..100 is brought inside, as Stripe does.
"""

import base64
from typing import Any

import orjson

from sandbox.stripe import params
from sandbox.stripe.errors import ApiError, invalid, no_such
from sandbox.stripe.store import Store

PAGING: params.Schema = {
    "limit": params.integer,
    "starting_after": params.text(),
    "ending_before": params.text(),
    "expand": params.array(params.text()),
}
DEFAULT, MOST = 10, 100


def page(
    store: Store,
    kind: str,
    given: dict[str, Any],
    *,
    url: str,
    parent: str = "",
    where: tuple[tuple[str, Any], ...] = (),
) -> dict[str, Any]:
    """One page of a list; `where` are further conditions as (SQL with one ?, value).

    Raises ApiError (400) for a cursor that is no object of this kind, or for two cursors.
    """
    after, before = given.get("starting_after"), given.get("ending_before")
    conditions = [("kind = ?", kind), ("parent = ?", parent), *where]
    order = "DESC"
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor:
            conditions.append(_beyond(store, kind, cursor, name))
    if after and before:
        raise invalid("Received both starting_after and ending_before parameters. Please pass in only one.")
    if before:
        order = "ASC"
    bodies, more = _rows(store, conditions, order, given.get("limit", DEFAULT))
    if before:
        bodies.reverse()
    return {"object": "list", "data": bodies, "has_more": more, "url": url}


def search_result(
    store: Store, kind: str, given: dict[str, Any], *, url: str, where: tuple[str, list[Any]]
) -> dict[str, Any]:
    """One page of a search; the token of the next page is opaque. Raises ApiError (400) for a wrong token."""
    # The + keeps the planner off the index of lists: start from the few objects that match.
    conditions: list[tuple[str, Any]] = [("+kind = ?", kind), where]
    if given.get("page"):
        conditions.append(("(created, seq) < (?, ?)", _unsealed(given["page"])))
    keyed, more = _keyed_rows(store, conditions, "DESC", given.get("limit", DEFAULT))
    token = _sealed(keyed[-1][0]) if more else None
    bodies = [body for _, body in keyed]
    return {"object": "search_result", "data": bodies, "has_more": more, "next_page": token, "url": url}


def total(store: Store, kind: str, where: tuple[str, list[Any]]) -> int:
    """How many objects a search matches over all pages."""
    sql = f"SELECT count(*) FROM objects WHERE deleted = 0 AND +kind = ? AND {where[0]}"  # noqa: S608 - our own SQL
    return int(store.execute(sql, (kind, *where[1])).fetchone()[0])


def _beyond(store: Store, kind: str, cursor: str, param: str) -> tuple[str, tuple[int, int]]:
    row = store.execute(
        "SELECT created, seq FROM objects WHERE id = ? AND kind = ?", (cursor, kind)
    ).fetchone()
    if row is None:
        raise no_such(kind, cursor, param=param, status=400)
    sign = "<" if param == "starting_after" else ">"
    return f"(created, seq) {sign} (?, ?)", row


def _rows(store: Store, conditions: list[tuple[str, Any]], order: str, limit: int) -> tuple[list[Any], bool]:
    keyed, more = _keyed_rows(store, conditions, order, limit)
    return [body for _, body in keyed], more


def _keyed_rows(
    store: Store, conditions: list[tuple[str, Any]], order: str, limit: int
) -> tuple[list[tuple[tuple[int, int], Any]], bool]:
    wanted = min(max(limit, 1), MOST)
    sql = "SELECT created, seq, body FROM objects WHERE deleted = 0 AND "
    sql += " AND ".join(condition for condition, _ in conditions)
    sql += f" ORDER BY created {order}, seq {order} LIMIT ?"
    rows = store.execute(sql, (*_flat(conditions), wanted + 1)).fetchall()
    keyed = [((row[0], row[1]), orjson.Fragment(row[2])) for row in rows[:wanted]]
    return keyed, len(rows) > wanted


def _flat(conditions: list[tuple[str, Any]]) -> list[Any]:
    flat: list[Any] = []
    for _, value in conditions:
        flat.extend(value if isinstance(value, (list, tuple)) else [value])
    return flat


def _sealed(key: tuple[int, int]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def _unsealed(token: str) -> tuple[int, int]:
    try:
        created, seq = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(created), int(seq)
    except (ValueError, TypeError):
        raise ApiError(400, f"Invalid page token: {token}", param="page") from None
