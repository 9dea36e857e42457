"""The control API from Python: what tests and drills say to a running double."""

from collections.abc import Iterator
from typing import Any

import httpx


class Driver:
    """Drives the double at `url`. Methods raise httpx.HTTPStatusError when it refuses."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/_sandbox", timeout=30, trust_env=False)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            return self._http.get("/ready").is_success
        except httpx.TransportError:
            return False

    def reset(self) -> None:
        """Forgets everything."""
        self._ask("POST", "/reset")

    def fault(self, kind: str, **given: Any) -> dict[str, Any]:
        """Adds a fault; the fields of sandbox.stripe.faults.Fault."""
        return self._ask("POST", "/faults", json={"kind": kind, **given})

    def faults(self) -> list[dict[str, Any]]:
        """The plan, with how often each was met and struck."""
        found: list[dict[str, Any]] = self._ask("GET", "/faults")["faults"]
        return found

    def clear_faults(self) -> None:
        """Empties the plan."""
        self._ask("DELETE", "/faults")

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Sets some of clock_offset, search_lag, limits; all of them as they are then."""
        return self._ask("PATCH", "/settings", json=changes)

    def unlimited(self) -> None:
        """No rate limits."""
        self.settings(limits={"account": 0, "endpoint": 0, "endpoints": {}})

    def requests(self, **filters: Any) -> list[dict[str, Any]]:
        """The last requests, newest first; filters limit, method, path, endpoint, status, idempotency_key."""
        found: list[dict[str, Any]] = self._ask("GET", "/requests", params=filters)["requests"]
        return found

    def counters(self) -> dict[str, Any]:
        """Requests by endpoint and status, effects by endpoint, objects by kind."""
        return self._ask("GET", "/counters")

    def effects(self) -> list[dict[str, Any]]:
        """Every change that requests made, oldest first."""
        return list(self._pages("/effects", "effects"))

    def objects(self, kind: str = "", *, deleted: bool = False) -> list[dict[str, Any]]:
        """Every object of a kind, oldest first, with the stubs of deleted ones if wanted."""
        rows = self._pages("/objects", "objects", kind=kind)
        return [row["object"] for row in rows if deleted or not row["deleted"]]

    def change(self, id_: str, *, silent: bool = False, **fields: Any) -> dict[str, Any]:
        """Changes an object behind everybody's back; an event tells of it unless it is silent."""
        return self._ask("PATCH", f"/objects/{id_}", json=fields, params=_silent(silent))

    def wallet(self, type_: str, card: str = "tok_visa") -> str:
        """A payment method as the sheet of `apple_pay` or `google_pay` makes it of a test card; its id."""
        return str(self._ask("POST", f"/wallets/{type_}", json={"card": card})["id"])

    def delete(self, id_: str, *, silent: bool = False) -> None:
        """Deletes an object behind everybody's back; told as a change is."""
        self._ask("DELETE", f"/objects/{id_}", params=_silent(silent))

    def webhooks(self) -> dict[str, Any]:
        """The delivery plan, whether deliveries are paused, their counts, the endpoints with their secrets."""
        return self._ask("GET", "/webhooks")

    def delivery_plan(self, *rules: dict[str, Any], **given: Any) -> dict[str, Any]:
        """Sets the plan; rules and fields of sandbox.stripe.delivery_plan. Without any, all goes well."""
        return self._ask("PUT", "/webhooks/plan", json={"rules": list(rules), **given})

    def pause(self) -> None:
        """Sends no more events until `resume`."""
        self._ask("POST", "/webhooks/pause")

    def resume(self) -> None:
        """Sends what has become due meanwhile."""
        self._ask("POST", "/webhooks/resume")

    def drain(self, *, hurry: bool = False, timeout: float = 20) -> dict[str, Any]:
        """Waits until every delivery was tried; `hurry`: what is held back or failed is due now."""
        return self._ask("POST", "/webhooks/drain", json={"hurry": hurry, "timeout": timeout})

    def roll_secret(self, endpoint_id: str, *, overlap: float = 0, secret: str | None = None) -> str:
        """A new secret; the old one signs along for `overlap` seconds of the double's clock."""
        given = {"overlap": overlap, "secret": secret}
        return str(self._ask("POST", f"/webhooks/{endpoint_id}/roll", json=given)["secret"])

    def set_payload(self, endpoint_id: str, payload: str) -> None:
        """Whether the endpoint gets `snapshot` events or `thin` ones."""
        self._ask("PATCH", f"/webhooks/{endpoint_id}", json={"payload": payload})

    def resend(self, event_id: str, *, endpoint_id: str | None = None) -> int:
        """Sends an event once more; how many deliveries that makes."""
        given = {"endpoint": endpoint_id} if endpoint_id else {}
        return int(self._ask("POST", f"/events/{event_id}/resend", json=given)["deliveries"])

    def deliveries(self, **filters: Any) -> list[dict[str, Any]]:
        """The last deliveries, newest first; filters limit, event, state."""
        found: list[dict[str, Any]] = self._ask("GET", "/deliveries", params=filters)["deliveries"]
        return found

    def advance(self, seconds: float) -> dict[str, Any]:
        """Moves the clock forward; what time brings has happened afterwards."""
        return self._ask("POST", "/clock/advance", json={"seconds": seconds})

    def freeze(self) -> float:
        """Stops the clock; what it says."""
        return float(self._ask("POST", "/clock/freeze")["now"])

    def thaw(self) -> None:
        """Lets the clock go on from where it stood."""
        self._ask("POST", "/clock/thaw")

    def _pages(self, path: str, name: str, **params: Any) -> Iterator[dict[str, Any]]:
        after: int | None = 0
        while after is not None:
            page = self._ask("GET", path, params={**params, "after": after, "limit": 5000})
            yield from page[name]
            after = page["next"]

    def _ask(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        answer = self._http.request(method, path, **given)
        answer.raise_for_status()
        parsed: dict[str, Any] = answer.json()
        return parsed


def _silent(silent: bool) -> dict[str, str]:
    return {"silent": "true"} if silent else {}
