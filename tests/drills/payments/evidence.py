"""What a drill of payments left behind, seen from outside: the doubles' objects, rows, answers, leaked secrets."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from fleet.local.credentials import service_token
from sandbox.braintree.driver import Driver as Braintree
from sandbox.stripe.driver import Driver as Stripe
from state.postgres.connection import Connection, connect
from tests import plain_http
from tests.drills.evidence import KafkaReader, dead_letters
from tests.drills.payments.answers import Asked, asked_by
from tests.drills.payments.company import Company
from topics.codec import Reason
from topics.table import TOPICS

Body = Mapping[str, Any]

_METHODS: Final = """
SELECT account_id, id, processor, reference, details::jsonb ->> 'kind' AS kind, state, is_default, chosen_on, created_on
FROM payment_methods
"""
_LINKS: Final = "SELECT account_id, customer_id FROM stripe_customers WHERE customer_id IS NOT NULL"
_MIRROR: Final = "SELECT account_id, id, status, collection_method FROM subscriptions"
_WRITTEN: Final = {
    "journal": "SELECT concat(body, answer) AS text FROM journal WHERE account_id = ANY($1::text[])",
    "effects": "SELECT concat(payload, last_error) AS text FROM effects WHERE account_id = ANY($1::text[])",
    "payment_methods": "SELECT payment_methods::text AS text FROM payment_methods WHERE account_id = ANY($1::text[])",
}


@dataclass(frozen=True, slots=True)
class Method:
    """A row of a payment method."""

    account_id: str
    id: str
    processor: str
    reference: str
    kind: str
    state: str
    is_default: bool
    chosen_on: datetime | None
    created_on: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """What the iAPI answers about an account: the methods, the default, how subscriptions are collected."""

    methods: Sequence[Body]
    default: Body | None
    collection: Body


@dataclass(slots=True)
class PaymentEvidence:
    """`links` are the accounts' customers at Stripe; `customers` to `intents` are Stripe's living objects, `payers`
    to `ledger` Braintree's. `mirror` has the subscriptions' rows by id. `left` is the drift report at rest."""

    accounts: Sequence[str]
    links: Mapping[str, str]
    methods: Sequence[Method]
    mirror: Mapping[str, Body]
    shown: Mapping[str, Shown]
    customers: Sequence[Body]
    kept: Sequence[Body]
    subscriptions: Sequence[Body]
    intents: Sequence[Body]
    payers: Sequence[Body]
    vault: Sequence[Body]
    ledger: Sequence[tuple[str, str]]
    asked: Sequence[Asked] = ()
    left: Sequence[str] = ()
    given_up: Sequence[str] = ()
    """Customers whose webhooks became dead letters."""
    leaks: Sequence[str] = field(default_factory=list)
    """Where a nonce, a client secret or a token was found."""


async def gathered(company: Company, left: Sequence[str]) -> PaymentEvidence:
    """Everything, once it is at rest. The entry points have to be up."""
    ours = [payer.account_id for payer in company.payers]
    shown = await _shown(company, ours)
    asked = [one for payer in company.payers for one in await asked_by(payer.customer)]
    outside = await asyncio.to_thread(_outside, company)
    connection = await connect(company.drill.dsn, name="drill-payments")
    try:
        links = {row["account_id"]: row["customer_id"] for row in await connection.fetch(_LINKS)}
        methods = [Method(**row) for row in await connection.fetch(_METHODS)]
        mirror = {row["id"]: dict(row) for row in await connection.fetch(_MIRROR)}
        leaks = await _written(connection, ours, company.behind.at.secrets)
    finally:
        await connection.close(timeout=2)
    async with KafkaReader(company.drill.servers.bootstrap) as kafka:
        leaks += await _published(kafka, company.behind.at.secrets)
        given_up = await _given_up(kafka)
    return PaymentEvidence(
        ours, links, methods, mirror, shown, **outside, asked=asked, left=left, given_up=given_up, leaks=leaks
    )


def _outside(company: Company) -> dict[str, Any]:
    stripe = Stripe(company.drill.servers.stripe_url)
    braintree = Braintree(company.drill.servers.braintree_url)
    try:
        return {
            "customers": stripe.objects("customer"),
            "kept": [one for one in stripe.objects("payment_method") if one["customer"]],
            "subscriptions": stripe.objects("subscription"),
            "intents": stripe.objects("setup_intent"),
            "payers": braintree.customers(),
            "vault": braintree.methods(),
            "ledger": braintree.ledger(),
        }
    finally:
        stripe.close()
        braintree.close()


async def _shown(company: Company, accounts: Sequence[str]) -> dict[str, Shown]:
    token = service_token(company.drill.servers.service_keys)
    headers = {"Authorization": f"Bearer {token}"}
    async with plain_http.client(base_url=company.iapi.url, headers=headers, timeout=20) as iapi:

        async def one(account: str, path: str) -> Any:
            answer = await iapi.get(f"/internal/v1/accounts/{account}/{path}")
            return answer.json()["result"] if answer.is_success else None

        return {
            account: Shown(
                await one(account, "payment-methods") or (),
                await one(account, "payment-methods/default"),
                await one(account, "collection-method") or {},
            )
            for account in accounts
        }


async def _written(connection: Connection, accounts: Sequence[str], secrets: set[str]) -> list[str]:
    return [
        f"table {table}"
        for table, query in _WRITTEN.items()
        for row in await connection.fetch(query, accounts)
        if any(secret in row["text"] for secret in secrets)
    ]


async def _published(kafka: KafkaReader, secrets: set[str]) -> list[str]:
    wanted = [secret.encode() for secret in secrets]
    return [
        f"{topic.name}/{record.partition}@{record.offset}"
        for topic in TOPICS
        for partition in range(topic.partitions)
        for record in await kafka.read(topic.name, partition)
        if _holds((record.value or b"") + b"".join(value or b"" for _, value in record.headers), wanted)
    ]


def _holds(text: bytes, wanted: Sequence[bytes]) -> bool:
    return any(secret in text for secret in wanted)


async def _given_up(kafka: KafkaReader) -> list[str]:
    stranger = Reason.UNKNOWN_CUSTOMER.value.encode()
    letters = [one for one in await dead_letters(kafka) if dict(one.headers).get("dl_reason") == stranger]
    return [_owner(orjson.loads(one.value or b"{}")) for one in letters]


def _owner(event: Body) -> str:
    """Whom an event of Stripe is about."""
    found = event.get("data", {}).get("object", {})
    return str(found.get("id") if found.get("object") == "customer" else found.get("customer"))
