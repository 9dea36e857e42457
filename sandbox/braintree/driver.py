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

    def fill(
        self, *, customers: list[dict[str, Any]] | None = None, methods: list[dict[str, Any]] | None = None
    ) -> None:
        """Puts customers and methods straight into the vault; the fields of sandbox.braintree.filling."""
        self._ask("POST", "/vault", json={"customers": customers or [], "payment_methods": methods or []})

    def revoke(self, token: str, **given: Any) -> None:
        """The payer revokes an agreement; `copies` and `delay` of the notification, or `silently`."""
        self._ask("POST", f"/payment_methods/{token}/revoke", json=given)

    def decline(self, token: str, code: str | None) -> None:
        """PayPal declines charges by a method's agreement with this code; None: it pays again."""
        self._ask("POST", f"/payment_methods/{token}/decline", json={"code": code})

    def settle(self, transaction_id: str, **given: Any) -> dict[str, Any]:
        """Ends a settlement now; `outcome` or `code`."""
        return self._ask("POST", f"/transactions/{transaction_id}/settle", json=given)

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

    def transactions(self) -> list[dict[str, Any]]:
        """Every transaction, oldest first."""
        found: list[dict[str, Any]] = self._ask("GET", "/objects?kind=transaction")["objects"]
        return found

    def ledger(self) -> list[tuple[str, str]]:
        """Every change that requests made, oldest first."""
        return [(what, id_) for what, id_ in self._ask("GET", "/ledger")["ledger"]]

    def fault(self, kind: str, **given: Any) -> None:
        """Adds a fault; the fields of sandbox.stripe.faults.Fault."""
        self._ask("POST", "/faults", json={"kind": kind, **given})

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Sets some of clock_offset, webhook_url, paused, duplicate_seconds."""
        return self._ask("PATCH", "/settings", json=changes)

    def requests(self) -> list[dict[str, Any]]:
        """The last requests, newest first."""
        found: list[dict[str, Any]] = self._ask("GET", "/requests")["requests"]
        return found

    def notify(self, kind: str, transaction_id: str = "") -> None:
        """Sends a notification: check, or one of a transaction."""
        self._ask("POST", "/notifications", json={"kind": kind, "transaction": transaction_id})

    def deliver(self, *rules: dict[str, Any], seed: int = 0) -> None:
        """Sets the plan of deliveries; the fields of sandbox.stripe.delivery_plan.Rule."""
        self._ask("PUT", "/deliveries/plan", json={"rules": list(rules), "seed": seed})

    def deliveries(self) -> list[dict[str, Any]]:
        """The last notifications, newest first."""
        found: list[dict[str, Any]] = self._ask("GET", "/deliveries")["deliveries"]
        return found

    def _ask(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        answer = self._http.request(method, path, **given)
        answer.raise_for_status()
        parsed: dict[str, Any] = answer.json()
        return parsed
