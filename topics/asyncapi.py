"""The AsyncAPI 3.0 document of the topics, made from the message models and the one table of topics.

Source: AsyncAPI 3.0.0; Kafka bindings 0.5.0; CloudEvents 1.0, Kafka protocol binding in binary mode.
"""

from typing import Any, Final
from uuid import UUID

import orjson
from pydantic.json_schema import models_json_schema

from topics import limits
from topics.codec import CONTENT_TYPE, URGENCIES, Reason, encode_body, header_texts
from topics.ids import ACCOUNT_ID_PATTERN
from topics.message import Actor, Envelope, Kind, Message, Role
from topics.owners import Owner
from topics.registry import EXAMPLES, MESSAGE_TYPES
from topics.table import (
    BRAINTREE_WEBHOOKS,
    BULK,
    COMMANDS,
    DEAD_LETTERS,
    EVENTS,
    FACTS,
    STRIPE_WEBHOOKS,
    TOPICS,
    Topic,
)

Json = dict[str, Any]

BINDINGS: Final = "0.5.0"
VERSION: Final = "1.0.0"
"""Of the document's form; what travels has its version in its type."""
DEAD_LETTER: Final = "billing.dead-letter"
WEBHOOKS: Final = {"billing.stripe.webhook": STRIPE_WEBHOOKS, "billing.braintree.webhook": BRAINTREE_WEBHOOKS}
"""What is kept as a processor sent it, and where."""
_ACCOUNT: Final = "023e105f4ecef8ad9ca31a8372d0c353"
_ID: Final = UUID("019ab0d2-6f2c-7a31-8c1e-3f5b1d2a9c44")
_TRACE: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_UUID7: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"

OPERATIONS: Final = (
    ("requestCommands", "send", COMMANDS, "Dashboard, iAPI Gateway and the `fleet` command line ask."),
    ("applyCommands", "receive", COMMANDS, "The member `commands` applies or refuses each, once."),
    ("reportFacts", "send", FACTS, "Upstream registers accounts; the relay brings the results of effects."),
    ("applyFacts", "receive", FACTS, "The member `facts` takes each in, once."),
    ("requestInBulk", "send", BULK, "Sweeps, migrations and mass recomputes ask; nobody waits."),
    ("applyInBulk", "receive", BULK, "The member `bulk` applies or refuses each, once."),
    ("tellEvents", "send", EVENTS, "The relay tells what happened: at least once, in order per account."),
    ("followEvents", "receive", EVENTS, "The reconciler, and everyone downstream."),
    ("keepStripeWebhooks", "send", STRIPE_WEBHOOKS, "The webhooks' entry point keeps what Stripe signed."),
    ("readStripeWebhooks", "receive", STRIPE_WEBHOOKS, "The member `webhooks` makes facts of them."),
    (
        "keepBraintreeWebhooks",
        "send",
        BRAINTREE_WEBHOOKS,
        "The webhooks' entry point keeps what Braintree signed.",
    ),
    ("readBraintreeWebhooks", "receive", BRAINTREE_WEBHOOKS, "The member `webhooks` makes facts of them."),
    ("keepDeadLetters", "send", DEAD_LETTERS, "The relay keeps what no lane could apply."),
)


def document() -> Json:
    """The whole document, the same at each call."""
    schemas = _payload_schemas()
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Billing fleet", "version": VERSION, "description": _ABOUT},
        "defaultContentType": CONTENT_TYPE,
        "servers": {"kafka": _SERVER},
        "channels": {_name(topic): _channel(topic) for topic in TOPICS},
        "operations": {
            name: _operation(action, topic, summary) for name, action, topic, summary in OPERATIONS
        },
        "components": {
            "messages": {
                **{name: _message(model) for name, model in sorted(MESSAGE_TYPES.items())},
                **{name: _webhook(name) for name in WEBHOOKS},
                DEAD_LETTER: _dead_letter(),
            },
            "schemas": {**schemas, "CommandHeaders": _command_headers(), "EventHeaders": _event_headers()},
        },
    }


_ABOUT: Final = (
    "Commands, facts and events travel keyed by their account and in order per account, each topic by itself. "
    "Such a record is a CloudEvent in binary mode: attributes in headers that start with `ce_`, the message "
    "itself as the JSON body. A type ends with its version; a change that breaks readers is a new type. Unknown "
    "fields of commands and facts are refused. Webhooks of the processors are kept as they came, keyed by the "
    "processor's customer. What can't be understood becomes a dead letter with its reason."
)
_SERVER: Final[Json] = {
    "host": "{bootstrap}",
    "protocol": "kafka",
    "description": "The brokers of the installation (setting KAFKA_BOOTSTRAP).",
    "variables": {"bootstrap": {"default": "127.0.0.1:9092"}},
}


def _name(topic: Topic) -> str:
    return topic.name.split(".")[1]


def _carried(topic: Topic) -> list[str]:
    kept = [name for name, its in WEBHOOKS.items() if its is topic]
    return [model.type for model in topic.messages] or kept or [DEAD_LETTER]


def _channel(topic: Topic) -> Json:
    retention = -1 if topic.retention is None else int(topic.retention.total_seconds() * 1000)
    return {
        "address": topic.name,
        "description": f"{topic.about} Key: {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _carried(topic)},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": retention,
                    "max.message.bytes": topic.max_bytes,
                },
                "bindingVersion": BINDINGS,
            }
        },
    }


def _operation(action: str, topic: Topic, summary: str) -> Json:
    channel = f"#/channels/{_name(topic)}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "summary": summary,
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in _carried(topic)],
    }


def _message(model: type[Message]) -> Json:
    headers = "EventHeaders" if model.kind is Kind.EVENT else "CommandHeaders"
    return {
        "name": model.type,
        "title": model.__name__,
        "summary": _first_line(model),
        "tags": [{"name": model.kind.value}],
        "contentType": CONTENT_TYPE,
        "headers": {
            "allOf": [
                {"$ref": f"#/components/schemas/{headers}"},
                {"type": "object", "properties": {"ce_type": {"const": model.type}}},
            ]
        },
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "bindings": {"kafka": {"key": _account_schema(), "bindingVersion": BINDINGS}},
        "examples": [_example(model)],
    }


def _first_line(model: type[Message]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _example(model: type[Message]) -> Json:
    event = model.kind is Kind.EVENT
    envelope = Envelope(
        id=f"{_ID}/0" if event else _ID,
        type=model.type,
        account_id=_ACCOUNT,
        actor=Actor("token:tok_5f1c2d3e4a5b6c7d", Role.CUSTOMER, "/dashboard"),
        causation_id=str(_ID) if event else None,
        traceparent=_TRACE,
    )
    payload = orjson.loads(encode_body(EXAMPLES[model.type]))
    return {"headers": dict(header_texts(envelope)), "payload": payload}


def _payload_schemas() -> Json:
    models = [(model, "validation") for model in MESSAGE_TYPES.values()]
    _, found = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    schemas: Json = found["$defs"]
    return dict(sorted(schemas.items()))


def _account_schema() -> Json:
    return {"type": "string", "pattern": ACCOUNT_ID_PATTERN, "description": "The account's id."}


def _text(description: str, **further: Any) -> Json:
    return {"type": "string", "description": description, "maxLength": limits.MAX_HEADER_BYTES, **further}


def _headers(required: tuple[str, ...], properties: Json) -> Json:
    return {"type": "object", "required": list(required), "properties": properties}


def _command_headers() -> Json:
    days, minutes = limits.ID_MAX_AGE.days, int(limits.ID_MAX_AHEAD.total_seconds() // 60)
    return _headers(
        ("ce_id", "ce_type", "ce_subject", "ce_actor", "ce_actorrole"),
        {
            **_shared_headers(),
            "ce_id": _text(
                "UUIDv7, made where the message is made. The same id again is the same message. It may be up "
                f"to {days} days older and {minutes} minutes younger than the record.",
                pattern=_UUID7,
            ),
            "ce_causationid": _text("The message or effect that this one follows from."),
            "ce_replyto": _text("The Redis channel on which the outcome is awaited."),
        },
    )


def _event_headers() -> Json:
    return _headers(
        ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_actor", "ce_actorrole"),
        {
            **_shared_headers(),
            "ce_id": _text(
                "The command's id and the event's place among its events: the same when repeated."
            ),
            "ce_causationid": _text("The id of the command or fact that led to it."),
        },
    )


def _shared_headers() -> Json:
    return {
        "ce_specversion": _text("Of CloudEvents.", const="1.0"),
        "ce_type": _text("The message type with its version."),
        "ce_source": _text("The entry point through which it came."),
        "ce_subject": {**_account_schema(), "description": "The account's id; also the record's key."},
        "ce_actor": _text("Who asks: the name of a token, a service or a member of staff.", minLength=1),
        "ce_actorrole": _text("On whose behalf.", enum=[role.value for role in Role]),
        "content-type": _text("Of the body.", const=CONTENT_TYPE),
        "traceparent": _text("W3C trace context."),
        "ce_urgency": _text(
            "Whose turn what follows from it is at the processors, where that is not what is usual on the topic "
            "(customer on commands and events, webhook on facts, sweep on bulk).",
            enum=list(URGENCIES),
        ),
    }


def _webhook(name: str) -> Json:
    processor = name.split(".")[1]
    headers = {
        "wh_id": _text("The event's id: the same in every delivery."),
        "wh_type": _text("What it tells of, by the processor's name."),
        "wh_received": {
            "type": "string",
            "pattern": "^[0-9]+$",
            "description": "By our clock, in milliseconds.",
        },
    }
    return {
        "name": name,
        "title": f"{processor.capitalize()}Webhook",
        "summary": "A verified webhook as received, but for secrets that it held.",
        "contentType": CONTENT_TYPE,
        "headers": _headers(tuple(headers), headers),
        "payload": {"description": "The body, as the processor documents it."},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": BINDINGS}},
        "examples": [_WEBHOOK_EXAMPLES[processor]],
    }


_WEBHOOK_EXAMPLES: Final[dict[str, Json]] = {
    "stripe": {
        "headers": {
            "wh_id": "evt_1SXp2c",
            "wh_type": "payment_method.detached",
            "wh_received": "1795436615250",
        },
        "payload": {"id": "evt_1SXp2c", "object": "event", "type": "payment_method.detached"},
    },
    "braintree": {
        "headers": {
            "wh_id": "5f1c2d3e4a5b6c7d",
            "wh_type": "payment_method_revoked_by_customer",
            "wh_received": "1795436615250",
        },
        "payload": {"bt_signature": "public_key|signature", "bt_payload": "PG5vdGlmaWNhdGlvbj4="},
    },
}


def _dead_letter() -> Json:
    whole = {"type": "string", "pattern": "^[0-9]+$"}
    headers = {
        "dl_reason": _text("Why it could not be applied.", enum=[reason.value for reason in Reason]),
        "dl_owner": _text(
            "Who has to act. Letters that were written before it was told have none.",
            enum=[owner.value for owner in Owner],
        ),
        "dl_detail": _text("What a person needs to know, without the values that were sent."),
        "dl_group": _text("The consumer group that met it."),
        "dl_topic": _text("Where it stood."),
        "dl_partition": {**whole, "description": "Where it stood."},
        "dl_offset": {**whole, "description": "Where it stood."},
        "dl_timestamp": {**whole, "description": "When it was written there, milliseconds since the epoch."},
    }
    return {
        "name": DEAD_LETTER,
        "title": "DeadLetter",
        "summary": "A record as received; its headers follow those that say why and where from.",
        "contentType": "application/octet-stream",
        "headers": _headers(tuple(name for name in headers if name != "dl_owner"), headers),
        "payload": {"description": "The body as received, whatever it is; absent when there was none."},
        "bindings": {"kafka": {"key": {"type": ["string", "null"]}, "bindingVersion": BINDINGS}},
        "examples": [_LETTER_EXAMPLE],
    }


_LETTER_EXAMPLE: Final[Json] = {
    "headers": {
        "dl_reason": Reason.BAD_BODY.value,
        "dl_owner": Owner.PUBLISHER.value,
        "dl_detail": "/city: Input should be a valid string",
        "dl_group": "billing.commands",
        "dl_topic": COMMANDS.name,
        "dl_partition": "7",
        "dl_offset": "1042",
        "dl_timestamp": "1795436615250",
        "ce_type": "billing.profiles.create.v1",
    },
    "payload": '{"city": 7}',
}
