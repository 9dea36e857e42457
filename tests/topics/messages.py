"""Strategies for every message type, made from its model, and records as they stand in Kafka."""

import types
from datetime import UTC, timedelta, timezone
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin
from uuid import UUID

from annotated_types import Ge, Le, MaxLen, MinLen
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo
from uuid6 import uuid7

from topics.codec import encode_body, encode_headers
from topics.ids import uuid7_ms
from topics.message import Actor, Envelope, Message, Record, Role

ACCOUNT: Final = "023e105f4ecef8ad9ca31a8372d0c353"
ACTOR: Final = Actor("service:test", Role.SERVICE, "/test")
TEXT: Final = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
ACCOUNT_IDS: Final = st.text("0123456789abcdef", min_size=32, max_size=32)

SIMPLE: Final[dict[Any, st.SearchStrategy[Any]]] = {
    bool: st.booleans(),
    UUID: st.uuids(),
    AwareDatetime: st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=14))])),
}


def values_of(annotation: Any, metadata: list[Any]) -> st.SearchStrategy[Any]:
    """Values that a field of this type and with these limits takes."""
    if annotation in SIMPLE:
        return SIMPLE[annotation]
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *further = get_args(annotation)
        return values_of(inner, [*metadata, *_limits(further)])
    if origin in (Union, types.UnionType):
        return st.one_of(*(values_of(choice, metadata) for choice in get_args(annotation)))
    if origin is Literal:
        return st.sampled_from(get_args(annotation))
    if origin is tuple:
        (each, _) = get_args(annotation)
        return st.lists(values_of(each, []), max_size=3).map(tuple)
    if annotation is type(None):
        return st.none()
    if issubclass(annotation, BaseModel):
        return models_of(annotation)
    if issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    return _limited(annotation, metadata)


def _limits(metadata: list[Any]) -> list[Any]:
    return [m for found in metadata for m in (found.metadata if isinstance(found, FieldInfo) else [found])]


def _limited(annotation: Any, metadata: list[Any]) -> st.SearchStrategy[Any]:
    if annotation is int:
        least: Any = next((m.ge for m in metadata if isinstance(m, Ge)), None)
        most: Any = next((m.le for m in metadata if isinstance(m, Le)), None)
        return st.integers(least, most)
    assert annotation is str, f"no strategy for {annotation}"
    for limit in metadata:
        if pattern := getattr(limit, "pattern", None):
            return st.from_regex(pattern.replace("$", r"\Z"), fullmatch=True, alphabet=TEXT)
    shortest = next((m.min_length for m in metadata if isinstance(m, MinLen)), 0)
    longest = next((m.max_length for m in metadata if isinstance(m, MaxLen)), None)
    return st.text(TEXT, min_size=shortest, max_size=min(60, longest or 60))


def models_of(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Instances of a model; any of its optional fields may be left out."""
    fields = {name: values_of(field.annotation, field.metadata) for name, field in model.model_fields.items()}
    needed = {name: fields[name] for name, field in model.model_fields.items() if field.is_required()}
    optional = {name: fields[name] for name in fields.keys() - needed.keys()}
    return st.fixed_dictionaries(needed, optional=dict(sorted(optional.items()))).map(
        lambda values: model(**values)
    )


def record_of(message: Message, *, account: str = ACCOUNT, envelope: Envelope | None = None) -> Record:
    """A message as it stands in Kafka, written when its id was made."""
    found = envelope or Envelope(uuid7(), message.type, account, ACTOR)
    assert isinstance(found.id, UUID)
    headers = tuple((name, value) for name, value in encode_headers(found))
    return Record("topic", 0, 0, uuid7_ms(found.id), found.account_id.encode(), encode_body(message), headers)
