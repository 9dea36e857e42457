"""The control API from Python: what tests and drills say to a running double."""

from typing import Any

import httpx


class Driver:
    """Drives the double at `url`. Methods raise httpx.HTTPStatusError when it refuses."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/_sandbox", timeout=30, trust_env=False)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def reset(self) -> None:
        """Forgets everything."""
        self._ask("POST", "/reset")

    def nonce(self, email: str = "payer@example.com", **given: Any) -> str:
        """A nonce of a payer's agreement; `type` for others."""
        return str(self._ask("POST", "/nonces", json={"email": email, **given})["nonce"])

    def revoke(self, token: str, **given: Any) -> None:
        """The payer revokes an agreement; `copies` and `delay` of the notification."""
        self._ask("POST", f"/payment_methods/{token}/revoke", json=given)

    def remove(self, token: str) -> None:
        """Deletes a method behind everybody's back."""
        self._ask("DELETE", f"/payment_methods/{token}")

    def methods(self) -> list[dict[str, Any]]:
        """Everything in the vault, oldest first."""
        found: list[dict[str, Any]] = self._ask("GET", "/objects?kind=payment_method")["objects"]
        return found

    def customers(self) -> list[dict[str, Any]]:
        """Every customer, oldest first."""
        found: list[dict[str, Any]] = self._ask("GET", "/objects?kind=customer")["objects"]
        return found

    def ledger(self) -> list[tuple[str, str]]:
        """Every change that requests made, oldest first."""
        return [(what, id_) for what, id_ in self._ask("GET", "/ledger")["ledger"]]

    def fault(self, kind: str, **given: Any) -> None:
        """Adds a fault; the fields of sandbox.stripe.faults.Fault."""
        self._ask("POST", "/faults", json={"kind": kind, **given})

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Sets some of clock_offset, webhook_url, paused."""
        return self._ask("PATCH", "/settings", json=changes)

    def requests(self) -> list[dict[str, Any]]:
        """The last requests, newest first."""
        found: list[dict[str, Any]] = self._ask("GET", "/requests")["requests"]
        return found

    def deliveries(self) -> list[dict[str, Any]]:
        """The last notifications, newest first."""
        found: list[dict[str, Any]] = self._ask("GET", "/deliveries")["deliveries"]
        return found

    def _ask(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        answer = self._http.request(method, path, **given)
        answer.raise_for_status()
        parsed: dict[str, Any] = answer.json()
        return parsed
