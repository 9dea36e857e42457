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

    def change(self, id_: str, **fields: Any) -> dict[str, Any]:
        """Changes an object behind everybody's back."""
        return self._ask("PATCH", f"/objects/{id_}", json=fields)

    def delete(self, id_: str) -> None:
        """Deletes an object behind everybody's back."""
        self._ask("DELETE", f"/objects/{id_}")

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
