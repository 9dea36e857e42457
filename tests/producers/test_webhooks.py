"""Webhooks at the door: signed and young or not taken, in Kafka before they are answered."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer
from braintree import BraintreeGateway, Configuration, Environment, WebhookNotification

from fleet.kafka_topics import ensure_topics
from observability.metrics import WEBHOOKS
from producers.webhooks.app import MOST, Settings, create_app
from producers.webhooks.document import document
from sandbox.braintree.webhooks import signature
from sandbox.braintree.world import MERCHANT, PRIVATE_KEY, PUBLIC_KEY
from state.braintree.webhooks import READ, Keys
from state.stripe.webhooks import Secrets
from tests import plain_http
from tests.conftest import Stack
from tests.producers.surfaces import served
from topics.table import BRAINTREE_WEBHOOKS, STRIPE_WEBHOOKS, Topic

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.stack]

OLD, NEW = "whsec_old", "whsec_new"
EVENT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_method.attached",
    "created": 1_795_000_000,
    "data": {"object": {"id": "pm_1", "object": "payment_method", "customer": "cus_A", "type": "card"}},
}


def topic(found: Topic, name: str) -> Topic:
    return Topic(name, found.key, 1, found.retention, (), found.about, (), ())


class Door:
    """The surface under test and what it put into Kafka."""

    def __init__(self, http: httpx.AsyncClient, consumer: AIOKafkaConsumer) -> None:
        self.http, self._consumer = http, consumer

    async def kept(self, many: int) -> list[Any]:
        found: list[Any] = []
        async with asyncio.timeout(20):
            while len(found) < many:
                found += [
                    one for some in (await self._consumer.getmany(timeout_ms=200)).values() for one in some
                ]
        return found

    async def post(self, body: bytes, *, secret: str = NEW, at: float | None = None) -> httpx.Response:
        return await self.http.post(
            "/webhooks/stripe", content=body, headers={"Stripe-Signature": signed(body, secret, at)}
        )


def signed(body: bytes, secret: str, at: float | None = None) -> str:
    moment = int(time.time() if at is None else at)
    made = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={made}"


def keys() -> Keys:
    return Keys(merchant_id=MERCHANT, public_key=PUBLIC_KEY, private_key=PRIVATE_KEY)


@pytest_asyncio.fixture(loop_scope="session")
async def door(stack: Stack) -> AsyncIterator[Door]:
    names = {one.name: f"test.{uuid4().hex[:8]}" for one in (STRIPE_WEBHOOKS, BRAINTREE_WEBHOOKS)}
    topics = [topic(one, names[one.name]) for one in (STRIPE_WEBHOOKS, BRAINTREE_WEBHOOKS)]
    await ensure_topics(stack.kafka_bootstrap, topics=topics)
    app = create_app(Settings(stack.kafka_bootstrap, Secrets([OLD, NEW]), keys(), topics=names))
    consumer = AIOKafkaConsumer(
        *names.values(), bootstrap_servers=stack.kafka_bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with served(app) as url, plain_http.client(base_url=url, timeout=30) as http:
            yield Door(http, consumer)
    finally:
        await consumer.stop()


async def test_a_signed_event_is_kept_as_it_came_under_its_customer(door: Door) -> None:
    body = orjson.dumps(EVENT)
    for secret in (OLD, NEW):
        assert (await door.post(body, secret=secret)).json() == {"received": True}
    first, second = await door.kept(2)
    assert (first.value, first.key) == (second.value, second.key) == (body, b"cus_A")
    assert dict(first.headers)["wh_id"] == b"evt_1"


@pytest.mark.parametrize(
    ("event", "key"),
    [
        ({**EVENT, "data": {"object": {"id": "cus_B", "object": "customer"}}}, b"cus_B"),
        (
            {
                **EVENT,
                "data": {
                    "object": {"id": "pm_1", "object": "payment_method", "customer": None},
                    "previous_attributes": {"customer": "cus_C"},
                },
            },
            b"cus_C",
        ),
        (
            {
                "id": "evt_2",
                "object": "v2.core.event",
                "type": "v1.customer.updated",
                "related_object": {"id": "cus_D", "type": "customer", "url": "/v1/customers/cus_D"},
            },
            b"cus_D",
        ),
        ({**EVENT, "data": {"object": {"id": "acct_1", "object": "account"}}}, b"acct_1"),
    ],
)
async def test_events_of_one_customer_stand_under_one_key(
    door: Door, event: dict[str, Any], key: bytes
) -> None:
    assert (await door.post(orjson.dumps(event))).status_code == 200
    (record,) = await door.kept(1)
    assert record.key == key


async def test_a_client_secret_never_gets_into_kafka(door: Door) -> None:
    secret = "seti_1_secret_abc"
    intent = {"id": "seti_1", "object": "setup_intent", "customer": "cus_A", "client_secret": secret}
    event = {
        **EVENT,
        "type": "setup_intent.succeeded",
        "data": {"object": {**intent, "nested": [{"client_secret": secret}]}},
    }
    assert (await door.post(orjson.dumps(event))).status_code == 200
    (record,) = await door.kept(1)
    assert secret.encode() not in record.value
    assert orjson.loads(record.value)["data"]["object"]["client_secret"] is None


@pytest.mark.parametrize(
    ("action", "cut"),
    [
        (
            "https://hooks.stripe.com/3d_secure_2/hosted?merchant=acct_1&setup_intent_client_secret=seti_1P_secret_Rb5&a=b",
            "https://hooks.stripe.com/3d_secure_2/hosted?merchant=acct_1&setup_intent_client_secret=seti_1P_secret_&a=b",
        ),
        (
            "https://hooks.stripe.com/redirect/authenticate/src_1?client_secret=src_client_secret_FAvvQ",
            "https://hooks.stripe.com/redirect/authenticate/src_1?client_secret=src_client_secret_",
        ),
        (
            "https://hooks.stripe.com/3d_secure_2_eap/begin_test/src_1Ega/src_client_secret_FAvvQ",
            "https://hooks.stripe.com/3d_secure_2_eap/begin_test/src_1Ega/src_client_secret_",
        ),
        ('{"payment_intent":"pi_1_secret_x"}', '{"payment_intent":"pi_1_secret_"}'),
        ("my_secret_box@example.com", "my_secret_box@example.com"),
    ],
)
async def test_nor_does_one_inside_of_an_address(door: Door, action: str, cut: str) -> None:
    """Stripe puts them into what a payer's browser is sent to; all else stays as it came."""
    intent = {"id": "seti_1", "object": "setup_intent", "customer": "cus_A"}
    event = {**EVENT, "data": {"object": {**intent, "next_action": {"use_stripe_sdk": [action, "seti_1"]}}}}
    assert (await door.post(orjson.dumps(event))).status_code == 200
    (record,) = await door.kept(1)
    kept = orjson.loads(record.value)
    assert kept["data"]["object"].pop("next_action") == {"use_stripe_sdk": [cut, "seti_1"]}
    assert kept["data"]["object"] == intent


@pytest.mark.parametrize("age", [-301, 100_000])
async def test_an_old_signature_is_a_replay(door: Door, age: int) -> None:
    answer = await door.post(orjson.dumps(EVENT), at=time.time() - abs(age))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 1400)


async def test_what_nobody_signed_is_not_taken(door: Door) -> None:
    body = orjson.dumps(EVENT)
    assert (await door.post(body, secret="whsec_guess")).status_code == 400
    assert (await door.http.post("/webhooks/stripe", content=body)).status_code == 400
    other = {"Stripe-Signature": signed(body, NEW)}
    assert (await door.http.post("/webhooks/stripe", content=body + b" ", headers=other)).status_code == 400
    assert (await door.post(b"\xff\xfe")).status_code == 400


@pytest.mark.parametrize(
    "body", [b"[]", b"nothing", b'{"id":"evt_1"}', b'{"id":1,"type":"a","data":{"object":{}}}']
)
async def test_what_is_signed_but_no_event_is_refused(door: Door, body: bytes) -> None:
    assert (await door.post(body)).status_code == 400


async def test_a_webhook_has_a_size(door: Door) -> None:
    assert (await door.post(b'{"a":"' + b"x" * MOST + b'"}')).status_code == 413


async def test_an_empty_secret_is_no_secret() -> None:
    for secrets in ([], [""], [NEW, " "]):
        with pytest.raises(ValueError, match="anybody can sign"):
            Secrets(secrets)
    with pytest.raises(ValueError, match="anybody can sign"):
        Keys(merchant_id=MERCHANT, public_key=PUBLIC_KEY, private_key="")


async def test_a_notification_of_braintree_is_kept_whole(door: Door) -> None:
    xml = (
        b'<notification><timestamp type="datetime">2026-11-24T09:30:15Z</timestamp>'
        b"<kind>payment_method_revoked_by_customer</kind><subject><paypal-account><token>t1</token>"
        b"<customer-id>c1</customer-id></paypal-account></subject></notification>"
    )
    payload = base64.encodebytes(xml).decode()
    form = {"bt_signature": signature(payload), "bt_payload": payload}
    assert (await door.http.post("/webhooks/braintree", data=form)).json() == {"received": True}
    (record,) = await door.kept(1)
    assert (record.key, orjson.loads(record.value)) == (b"c1", form)
    forged = {**form, "bt_signature": f"{PUBLIC_KEY}|{'0' * 40}"}
    assert (await door.http.post("/webhooks/braintree", data=forged)).status_code == 400
    assert (await door.http.post("/webhooks/braintree", data={})).status_code == 400


async def test_of_braintree_s_own_samples_only_those_we_read_are_kept_and_none_has_a_nonce(
    door: Door,
) -> None:
    """Three of them show nonces. All are taken, or Braintree would send them again for a day."""
    gateway = BraintreeGateway(Configuration(Environment.Sandbox, MERCHANT, PUBLIC_KEY, PRIVATE_KEY))
    told = {name: kind for name, kind in vars(WebhookNotification.Kind).items() if not name.startswith("_")}
    samples = {kind: gateway.webhook_testing.sample_notification(kind, "mine") for kind in told.values()}
    xml = {kind: base64.b64decode(one["bt_payload"]) for kind, one in samples.items()}
    assert len([kind for kind in xml if b"nonce>" in xml[kind]]) == 3, "else this tries nothing"
    counter = WEBHOOKS.labels(source="braintree", result="not_read")
    before = counter._value.get()
    for form in samples.values():
        sent = {name: value.decode() if isinstance(value, bytes) else value for name, value in form.items()}
        assert (await door.http.post("/webhooks/braintree", data=sent)).json() == {"received": True}
    kept = await door.kept(len(READ))
    assert {dict(record.headers)["wh_type"].decode() for record in kept} == READ
    assert counter._value.get() - before == len(samples) - len(READ) - 1, "all but the check"


async def test_braintree_s_challenge_is_answered(door: Door) -> None:
    challenge = "a" * 24
    answer = await door.http.get("/webhooks/braintree", params={"bt_challenge": challenge})
    assert answer.text.startswith(f"{PUBLIC_KEY}|")
    assert (await door.http.get("/webhooks/braintree", params={"bt_challenge": "no"})).status_code == 400


async def test_without_kafka_nothing_is_taken() -> None:
    app = create_app(Settings("127.0.0.1:1", Secrets([NEW]), keys(), publish_seconds=0.3))
    body = orjson.dumps(EVENT)
    async with served(app) as url, plain_http.client(base_url=url, timeout=30) as http:
        answer = await http.post(
            "/webhooks/stripe", content=body, headers={"Stripe-Signature": signed(body, NEW)}
        )
        assert answer.status_code == 503
        assert (await http.get("/readyz")).status_code == 503
        assert (await http.get("/livez")).status_code == 200


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/webhooks/stripe", "GET", "POST"),
        ("/webhooks/braintree", "DELETE", "GET, HEAD, POST"),
        ("/livez", "POST", "GET, HEAD"),
    ],
)
async def test_a_method_that_is_not_taken_is_told_which_are(
    door: Door, path: str, method: str, allowed: str
) -> None:
    answer = await door.http.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json()["errors"][0]["message"] == f"This path takes {allowed}, not {method}."


async def test_the_document_is_served_and_its_examples_are_taken(door: Door) -> None:
    served_ = (await door.http.get("/openapi.json")).json()
    assert served_ == document()
    post = {path: found["post"]["requestBody"]["content"] for path, found in served_["paths"].items()}
    events = post["/webhooks/stripe"]["application/json"]["examples"]
    for example in events.values():
        assert (await door.post(orjson.dumps(example["value"]))).json() == {"received": True}
    assert {record.key for record in await door.kept(len(events))} == {b"cus_QXg1o8vcGmoR32"}
    (form,) = post["/webhooks/braintree"]["application/x-www-form-urlencoded"]["examples"].values()
    signed_ = {**form["value"], "bt_signature": signature(form["value"]["bt_payload"])}
    assert (await door.http.post("/webhooks/braintree", data=signed_)).json() == {"received": True}
    (asked,) = served_["paths"]["/webhooks/braintree"]["get"]["parameters"]
    challenged = await door.http.get("/webhooks/braintree", params={"bt_challenge": asked["example"]})
    assert (challenged.status_code, challenged.headers["content-type"]) == (200, "text/plain; charset=utf-8")


async def test_other_paths_and_methods_have_answers_of_their_own(door: Door) -> None:
    assert (await door.http.get("/nothing")).status_code == 404
    assert (await door.http.get("/readyz")).status_code == 200
    assert "billing_webhooks_total" in (await door.http.get("/metrics")).text
