"""Webhook endpoints: where events are delivered to, which, and what the deliveries are signed with."""

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from sandbox.stripe import lists, metadata, objects, params
from sandbox.stripe.endpoint import EXPAND, Call, Endpoint
from sandbox.stripe.errors import ApiError, invalid, no_such
from sandbox.stripe.forms import Value
from sandbox.stripe.ids import new_id
from sandbox.stripe.objects import Body
from sandbox.stripe.params import not_modelled, text
from sandbox.stripe.store import Store
from sandbox.stripe.version import API_VERSION

KIND = "webhook_endpoint"
MOST = 16
PAYLOADS = ("snapshot", "thin")
Secrets: TypeAlias = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Destination:
    """What is not in the object itself: the shape of what is sent, and the secrets, newest first.

    A secret has an `until` in seconds of the double's clock while it is being replaced, else None.
    """

    payload: str
    secrets: Secrets

    def valid(self, now: float) -> list[str]:
        """The secrets that sign at this moment."""
        return [one["secret"] for one in self.secrets if one["until"] is None or now < one["until"]]


def destination(store: Store, id_: str) -> Destination:
    """The secrets and the payload of an endpoint that exists."""
    row = store.execute("SELECT payload, secrets FROM webhook_destinations WHERE id = ?", (id_,)).fetchone()
    return Destination(row[0], orjson.loads(row[1]))


def add(store: Store, body: Body, at: float, *, secret: str | None = None, payload: str = "snapshot") -> Body:
    """A new endpoint with its secret, in the open transaction; the answer shows the secret, this once."""
    secret = secret or new_id("whsec", 32)
    objects.insert(store, body, at)
    _keep(store, body["id"], Destination(payload, [{"secret": secret, "until": None}]))
    return {**body, "secret": secret}


def ensure(store: Store, url: str, at: float, *, secret: str | None, payload: str) -> None:
    """An endpoint for all events at this address, with this secret: the one that is there, or a new one."""
    found = next((one for one in living(store) if one["url"] == url), None)
    if found is None:
        add(store, new(url, ["*"], at), at, secret=secret, payload=payload)
        return
    kept = destination(store, found["id"]).secrets
    secrets = [{"secret": secret, "until": None}] if secret and secret != kept[0]["secret"] else kept
    _keep(store, found["id"], Destination(payload, secrets))


def roll(store: Store, id_: str, at: float, *, secret: str | None, overlap: float) -> str:
    """A new secret; the old ones sign along for `overlap` seconds of the double's clock, at most."""
    before = destination(store, id_)
    until = at + overlap
    old = [{**one, "until": min(one["until"] or until, until)} for one in before.secrets]
    secret = secret or new_id("whsec", 32)
    secrets = [{"secret": secret, "until": None}, *(one for one in old if at < one["until"])]
    _keep(store, id_, Destination(before.payload, secrets))
    return secret


def set_payload(store: Store, id_: str, payload: str) -> None:
    """Whether it gets snapshot events or thin ones. Raises ValueError."""
    if payload not in PAYLOADS:
        raise ValueError(f"payload is one of {', '.join(PAYLOADS)}")
    _keep(store, id_, Destination(payload, destination(store, id_).secrets))


def living(store: Store) -> list[Body]:
    """All endpoints, oldest first."""
    return objects.children(store, KIND, "")


def new(url: str, enabled_events: list[str], at: float) -> Body:
    """An enabled endpoint."""
    return {
        "id": new_id("we", 24),
        "object": KIND,
        "api_version": API_VERSION,
        "application": None,
        "created": int(at),
        "description": None,
        "enabled_events": enabled_events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
    }


def _keep(store: Store, id_: str, kept: Destination) -> None:
    store.execute(
        "INSERT OR REPLACE INTO webhook_destinations (id, payload, secrets) VALUES (?, ?, ?)",
        (id_, kept.payload, orjson.dumps(kept.secrets).decode()),
    )


def _url(value: Value, param: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s/]+\S*", value):
        raise invalid(
            "Invalid URL: An explicit scheme (such as https) must be provided.",
            param=param,
            code="url_invalid",
        )
    return value


def _event_type(value: Value, param: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)+", value):
        raise invalid(f"Invalid {param}: {value} is not an event type.", param=param)
    return value


def _version(value: Value, param: str) -> str:
    if value != API_VERSION:
        raise invalid(f"Invalid API version: {value}", param=param)
    return API_VERSION


_CHANGEABLE: params.Schema = {
    "description": text(),
    "enabled_events": params.array(_event_type),
    "metadata": metadata.read,
    "url": _url,
    **EXPAND,
}
_CREATE: params.Schema = {**_CHANGEABLE, "api_version": _version, "connect": not_modelled}
_UPDATE: params.Schema = {**_CHANGEABLE, "disabled": params.boolean}


def _changed(body: Body, given: dict[str, Any]) -> Body:
    after = {**body, **given}
    if given.get("enabled_events") == []:
        raise invalid("Invalid array: enabled_events cannot be empty.", param="enabled_events")
    if "disabled" in given:
        after["status"] = "disabled" if after.pop("disabled") else "enabled"
    if "metadata" in given:
        after["metadata"] = metadata.merged(body["metadata"], given["metadata"])
    return after


def _create(call: Call) -> Body:
    if len(living(call.store)) >= MOST:
        raise ApiError(400, f"You have reached the maximum of {MOST} test webhook endpoints.", executed=True)
    body = new(call.given["url"], call.given["enabled_events"], call.at)
    return add(call.store, _changed(body, call.given), call.at)


def _update(call: Call) -> Body:
    old = _living(call)
    body = _changed(old, call.given)
    objects.update(call.store, old, body, call.at)
    return body


def _retrieve(call: Call) -> Body:
    return _living(call)


def _delete(call: Call) -> Body:
    old = _living(call)
    call.store.execute("DELETE FROM webhook_destinations WHERE id = ?", (old["id"],))
    return objects.delete(call.store, old, call.at)


def _list(call: Call) -> Body:
    return lists.page(call.store, KIND, call.given, url=_MANY)


def _living(call: Call) -> Body:
    found = objects.find(call.store, KIND, call.ids[0])
    if found is None or found.deleted:
        raise no_such("webhook endpoint", call.ids[0])
    return found.body


_MANY, _ONE = "/v1/webhook_endpoints", "/v1/webhook_endpoints/{webhook_endpoint}"
ENDPOINTS = [
    Endpoint("POST", _MANY, _create, _CREATE, ("url", "enabled_events")),
    Endpoint("GET", _MANY, _list, lists.PAGING, listed=True),
    Endpoint("POST", _ONE, _update, _UPDATE),
    Endpoint("GET", _ONE, _retrieve),
    Endpoint("DELETE", _ONE, _delete, {}),
]
