"""The deliverer: makes the deliveries of the outbox that are due, several at once, over kept connections."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import orjson

from sandbox.stripe import delivery_plan, objects, outbox, settings, webhook_endpoints, webhook_payload
from sandbox.stripe.clock import Clock
from sandbox.stripe.outbox import Due
from sandbox.stripe.store import Store

PAUSED = "deliveries_paused"
HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
}


class Deliverer:
    """Sends when it is told to; calls `ended` whenever a delivery has ended, well or not."""

    def __init__(self, store: Store, clock: Clock, ended: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._ended = ended
        self._in_flight: dict[int, asyncio.Task[None]] = {}
        self._http: httpx.AsyncClient | None = None

    @property
    def in_flight(self) -> int:
        """How many deliveries are being made."""
        return len(self._in_flight)

    @property
    def paused(self) -> bool:
        """Whether nothing is sent until `resume`; kept over restarts."""
        return bool(settings.read(self._store, PAUSED, False))

    def start_due(self) -> float | None:
        """Starts what is due, as far as there is room; when to call again, in the double's clock."""
        if self.paused:
            return None
        plan = delivery_plan.current(self._store)
        for one in outbox.due(self._store, self._clock.now(), plan.concurrency):
            if one.seq not in self._in_flight and self.in_flight < plan.concurrency:
                self._in_flight[one.seq] = asyncio.create_task(self._made(one, plan))
        return None if self.in_flight >= plan.concurrency else self._next()

    async def stop(self) -> None:
        """Breaks off what is being delivered, it stays due; closes the connections."""
        tasks = list(self._in_flight.values())
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._http:
            await self._http.aclose()
            self._http = None

    def forget(self, clock: Clock) -> None:
        """Breaks off what is being delivered, for its rows are gone; goes on by a new clock."""
        self._clock = clock
        for task in self._in_flight.values():
            task.cancel()
        self._in_flight = {}

    def _next(self) -> float | None:
        """When the first delivery is due that is not being made."""
        row = self._store.execute(
            "SELECT min(due) FROM deliveries WHERE state = 'pending' AND seq NOT IN "
            "(SELECT value FROM json_each(?))",
            (orjson.dumps(list(self._in_flight)).decode(),),
        ).fetchone()
        found: float | None = row[0]
        return found

    async def _made(self, one: Due, plan: delivery_plan.Plan) -> None:
        try:
            await self._attempt(one, plan)
        except Exception:
            logging.getLogger(__name__).exception("the double broke on delivery %s", one.seq)
            outbox.given_up(self._store, one, self._clock.now(), "the double broke")
        finally:
            if self._in_flight.get(one.seq) is asyncio.current_task():
                del self._in_flight[one.seq]
            self._ended()

    async def _attempt(self, one: Due, plan: delivery_plan.Plan) -> None:
        """One attempt; how it ended is written down."""
        prepared = self._prepared(one)
        if prepared is None:
            outbox.given_up(self._store, one, self._clock.now(), "the endpoint is deleted or disabled")
            return
        status, error = await self._sent(*prepared, timeout=plan.timeout)
        now = self._clock.now()
        if status is not None and 200 <= status < 300:
            outbox.delivered(self._store, one, now, status)
        else:
            reason = error or f"answered {status}"
            outbox.failed(self._store, one, now, status=status, error=reason, first_wait=plan.retry)

    def _prepared(self, one: Due) -> tuple[str, bytes, list[str]] | None:
        """Where to, what, and the secrets to sign it with; None when there is no such enabled endpoint."""
        found = objects.find(self._store, webhook_endpoints.KIND, one.endpoint_id)
        event = self._store.execute("SELECT body FROM events WHERE id = ?", (one.event_id,)).fetchone()
        if found is None or found.deleted or found.body["status"] != "enabled" or event is None:
            return None
        destination = webhook_endpoints.destination(self._store, one.endpoint_id)
        body = webhook_payload.thin(orjson.loads(event[0])) if destination.payload == "thin" else event[0]
        return found.body["url"], body, destination.valid(self._clock.now())

    async def _sent(
        self, url: str, body: bytes, secrets: list[str], *, timeout: float
    ) -> tuple[int | None, str | None]:
        """The status of the answer, or what went wrong. Signed with the time of the machine, as who checks
        it has no other clock."""
        signed = webhook_payload.signature(body, secrets, int(time.time()))
        self._http = self._http or _client()
        try:
            async with asyncio.timeout(timeout):
                answer = await self._http.post(
                    url, content=body, headers={**HEADERS, "Stripe-Signature": signed}
                )
        except TimeoutError:
            return None, f"no answer within {timeout:g} s"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return None, f"{type(error).__name__}: {error}"
        return answer.status_code, None


def _client() -> Any:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=delivery_plan.MOST_CONCURRENT)
    return httpx.AsyncClient(limits=limits, timeout=None, trust_env=False)  # noqa: S113 - each attempt has its own
