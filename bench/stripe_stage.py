"""A double of Stripe that holds a customer, a card and a subscription for each account of a stage, and ours beside.

One of each is made through the double's API; the others are copies of them, written into its store while it is down.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from bench.workload import account_id
from consumers.sweeps.known import Known, known
from handlers.payment_method import PaymentMethod, PaymentMethods, method_id_of
from handlers.subscription import Subscription, Subscriptions
from sandbox.stripe import process
from sandbox.stripe.store import Store
from sandbox.stripe.world import API_KEY
from state.postgres import payment_methods, subscriptions
from state.postgres.connection import Connection
from state.postgres.lending import Connections
from state.stripe import customers
from state.stripe import payment_methods as stripe_methods
from state.stripe import subscriptions as stripe_subscriptions
from topics.payment_methods import MethodState

AT_ONCE: Final = 1_000
LONG_AGO: Final = datetime.now(UTC) - timedelta(hours=1)
Row = tuple[str, str, str, str | None, int, bytes]


class Template:
    """The rows of one customer with a card and a subscription, to be copied for others."""

    def __init__(self, folder: Path) -> None:
        child = process.start(folder)
        try:
            self._ids = _make(child.url)
        finally:
            child.stop()
        store = Store(folder)
        wanted = "SELECT id, kind, parent, email, created, body FROM objects WHERE kind NOT IN ('price', 'product')"
        self._rows: list[Row] = [tuple(row) for row in store.execute(wanted).fetchall()]
        for table in ("events", "deliveries", "effects"):
            store.execute(f"DELETE FROM {table}")
        names = ", ".join("?" * len(self._rows))
        store.execute(f"DELETE FROM objects WHERE id IN ({names})", tuple(row[0] for row in self._rows))
        store.close()

    def copy(self, account: Known) -> Iterator[Row]:
        """The rows for an account, as it wants its customer to be."""
        for id_, kind, parent, _, created, body in self._rows:
            text = self._renamed(body.decode(), account.account_id)
            if kind == "customer":
                text = orjson.dumps({**orjson.loads(text), **customers.parameters(account.desired)}).decode()
            yield (
                self._renamed(id_, account.account_id),
                kind,
                self._renamed(parent, account.account_id),
                None,
                created,
                text.encode(),
            )

    def shown(self, kind: str, account: str) -> dict[str, Any]:
        """The copy's body of a kind."""
        (body,) = (row[5] for row in self._rows if row[1] == kind)
        found: dict[str, Any] = orjson.loads(self._renamed(body.decode(), account))
        return found

    def _renamed(self, text: str, account: str) -> str:
        for id_ in self._ids:
            text = text.replace(id_, f"{id_.partition('_')[0]}_{account}")
        return text


def _make(url: str) -> list[str]:
    """A customer with a card as its default and a subscription; the ids that a copy has its own of."""

    def ask(path: str, **form: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        answer = httpx.post(f"{url}{path}", data=form, headers=headers, trust_env=False)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    customer = ask("/v1/customers", name="Ada")["id"]
    card = ask("/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"]
    ask(f"/v1/customers/{customer}", **{"invoice_settings[default_payment_method]": card})
    recurring = {"currency": "usd", "unit_amount": "2000", "recurring[interval]": "month"}
    price = ask("/v1/prices", **recurring, **{"product_data[name]": "Pro"})["id"]
    subscription = ask("/v1/subscriptions", customer=customer, **{"items[0][price]": price})
    return [customer, card, subscription["id"], *(item["id"] for item in subscription["items"]["data"])]


async def settle_ours(connection: Connection, template: Template, accounts: Sequence[str]) -> None:
    """Our side alone: a link, a card and a subscription for each account."""
    for first in range(0, len(accounts), AT_ONCE):
        await _ours(connection, template, accounts[first : first + AT_ONCE])


async def settle_payments(
    connection: Connection, dsn: str, folder: Path, accounts: int, *, drifting: int
) -> None:
    """Both sides of `accounts` accounts, the first `drifting` of which have another name at Stripe."""
    template = Template(folder)
    await _past(connection)
    store, lent = Store(folder), Connections(dsn, name="bench", size=1)
    try:
        for first in range(0, accounts, AT_ONCE):
            ids = [account_id(number) for number in range(first, min(first + AT_ONCE, accounts))]
            await _ours(connection, template, ids)
            found = await known(lent, ids, settle=timedelta(0))
            rows = [row for one in ids for row in template.copy(found[one])]
            _write(
                store, [_drifted(row) if first == 0 and row[0][4:] in ids[:drifting] else row for row in rows]
            )
    finally:
        store.close()
        await lent.close()


async def _past(connection: Connection) -> None:
    await connection.execute(
        "UPDATE profiles SET vat = NULL, tax_id_type = NULL, edited_on = $1", LONG_AGO, timeout=300
    )
    await connection.execute("UPDATE accounts SET edited_on = $1", LONG_AGO, timeout=300)


async def _ours(connection: Connection, template: Template, ids: Sequence[str]) -> None:
    await connection.execute(
        "INSERT INTO stripe_customers (account_id, customer_id, version) SELECT id, 'cus_' || id, 1"
        " FROM unnest($1::text[]) AS id",
        ids,
    )
    await payment_methods.save(connection, {one: _card(template, one) for one in ids})
    await subscriptions.save(connection, {one: _subscription(template, one) for one in ids})


def _card(template: Template, account: str) -> PaymentMethods:
    details = stripe_methods.method(template.shown("payment_method", account)).details
    assert details is not None
    method = PaymentMethod(
        id=method_id_of(details.reference),
        details=details,
        state=MethodState.ACTIVE,
        version=1,
        created_on=LONG_AGO,
        edited_on=LONG_AGO,
        default=True,
        chosen_on=LONG_AGO,
    )
    return PaymentMethods({}).put(method)


def _subscription(template: Template, account: str) -> Subscriptions:
    shown = stripe_subscriptions.subscription(template.shown("subscription", account))
    fields = {name: getattr(shown, name) for name in shown.__slots__}
    return Subscriptions({}).put(Subscription(**fields, version=1, edited_on=LONG_AGO))


def _drifted(row: Row) -> Row:
    if row[1] != "customer":
        return row
    return (*row[:5], orjson.dumps({**orjson.loads(row[5]), "name": "Somebody Else"}))


def _write(store: Store, rows: list[Row]) -> None:
    with store.transaction():
        store.executemany(
            "INSERT INTO objects (id, kind, parent, email, created, body) VALUES (?, ?, ?, ?, ?, ?)",
            list(rows),
        )
