"""Events as the API answers them: listed newest first, retrieved, for 30 days of the double's clock."""

from typing import Any

import orjson

from sandbox.stripe import events, lists, outbox, params
from sandbox.stripe.endpoint import EXPAND, Call, Endpoint
from sandbox.stripe.errors import invalid, no_such
from sandbox.stripe.forms import Value
from sandbox.stripe.objects import Body
from sandbox.stripe.params import text
from sandbox.stripe.store import Store

MOST_TYPES = 20
_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _types(value: Value, param: str) -> list[Any]:
    found: list[Any] = params.array(text())(value, param)
    if len(found) > MOST_TYPES:
        raise invalid(f"You may pass up to {MOST_TYPES} event types.", param=param)
    return found


_FILTERS: params.Schema = {
    **lists.PAGING,
    "created": params.one_or_range,
    "delivery_success": params.boolean,
    "type": text(),
    "types": _types,
}


def shown(store: Store, raw: list[bytes]) -> list[Body]:
    """Stored events with the number of endpoints that have not got them yet, as of now."""
    bodies: list[Body] = [orjson.loads(one) for one in raw]
    waiting = outbox.undelivered(store, [body["id"] for body in bodies])
    return [{**body, "pending_webhooks": waiting.get(body["id"], 0)} for body in bodies]


def _list(call: Call) -> Body:
    given = call.given
    if given.get("type") and given.get("types"):
        raise invalid("You may only specify one of these parameters: type, types.")
    conditions = [("created > ?", call.at - events.KEPT_SECONDS), *_conditions(given)]
    after, before = given.get("starting_after"), given.get("ending_before")
    if after and before:
        raise invalid("Received both starting_after and ending_before parameters. Please pass in only one.")
    for name, sign in (("starting_after", "<"), ("ending_before", ">")):
        if given.get(name):
            row = _cursor(call.store, given[name], name)
            conditions.append((f"(created, seq) {sign} (?, ?)", row))
    raw, more = _rows(call.store, conditions, "ASC" if before else "DESC", given.get("limit", lists.DEFAULT))
    if before:
        raw.reverse()
    return {"object": "list", "data": shown(call.store, raw), "has_more": more, "url": _MANY}


def _conditions(given: dict[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [
        (f"created {_SIGNS[name]} ?", value) for name, value in given.get("created", {}).items()
    ]
    if given.get("type"):
        found.append(("type GLOB ?", given["type"]))
    if given.get("types"):
        found.append(("type IN (SELECT value FROM json_each(?))", orjson.dumps(given["types"]).decode()))
    if "delivery_success" in given:
        waiting = f"(SELECT {outbox.UNDELIVERED} FROM deliveries WHERE event_id = events.id)"  # noqa: S608
        found.append((f"min({waiting}, 1) = ?", 0 if given["delivery_success"] else 1))
    return found


def _cursor(store: Store, id_: str, param: str) -> Any:
    row = store.execute("SELECT created, seq FROM events WHERE id = ?", (id_,)).fetchone()
    if row is None:
        raise no_such("event", id_, param=param, status=400)
    return row


def _rows(
    store: Store, conditions: list[tuple[str, Any]], order: str, limit: int
) -> tuple[list[bytes], bool]:
    wanted = min(max(limit, 1), lists.MOST)
    sql = "SELECT body FROM events WHERE " + " AND ".join(condition for condition, _ in conditions)  # noqa: S608
    sql += f" ORDER BY created {order}, seq {order} LIMIT ?"
    values = [part for _, value in conditions for part in (value if isinstance(value, tuple) else (value,))]
    rows = store.execute(sql, (*values, wanted + 1)).fetchall()
    return [row[0] for row in rows[:wanted]], len(rows) > wanted


def _retrieve(call: Call) -> Body:
    oldest = call.at - events.KEPT_SECONDS
    row = call.store.execute(
        "SELECT body FROM events WHERE id = ? AND created > ?", (call.ids[0], oldest)
    ).fetchone()
    if row is None:
        raise no_such("event", call.ids[0])
    return shown(call.store, [row[0]])[0]


_MANY = "/v1/events"
ENDPOINTS = [
    Endpoint("GET", _MANY, _list, _FILTERS, listed=True),
    Endpoint("GET", "/v1/events/{id}", _retrieve, EXPAND),
]
