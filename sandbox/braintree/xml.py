"""Braintree's XML: underscores as dashes, types as attributes, arrays of named elements.

Source: recorded answers of its sandbox (tests/sandbox/braintree_recordings) and its SDK's parser.
"""

import re
from dataclasses import dataclass
from typing import Any, TypeAlias
from xml.etree import ElementTree
from xml.sax.saxutils import escape

Table: TypeAlias = dict[str, Any]
PAGE_SIZE = 50
_ONE_OF = {"status_history": "status_event", "addresses": "address"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of what a search found: elements of one name, side by side."""

    element: str
    items: list[Table]


class Unreadable(Exception):
    """The body is no XML of the kind that is documented."""


def read(body: bytes) -> Table:
    """A request's body by the name of its outermost element. Raises Unreadable."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise Unreadable("no document types here")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - entities were refused above
    except ElementTree.ParseError as error:
        raise Unreadable(str(error)) from None
    return {_named(root.tag): _value(root)}


def write(name: str, value: Any) -> bytes:
    """An answer's body with this outermost element."""
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + _element(name, value).encode()


def _value(element: ElementTree.Element) -> Any:
    kind, text = element.get("type"), element.text or ""
    if element.get("nil") == "true":
        return None
    if kind == "array":
        return [_value(child) for child in element]
    if len(element):
        return {_named(child.tag): _value(child) for child in element}
    match kind:
        case "boolean":
            return text in ("true", "1")
        case "integer":
            return int(text)
    return text.strip()


def _element(name: str, value: Any) -> str:
    tag = name.replace("_", "-")
    if not _NAME.fullmatch(tag):
        raise ValueError(f"no element can be called {name!r}")
    match value:
        case None:
            return f'<{tag} nil="true"/>'
        case bool():
            return f'<{tag} type="boolean">{str(value).lower()}</{tag}>'
        case int():
            return f'<{tag} type="integer">{value}</{tag}>'
        case dict():
            return f"<{tag}>{''.join(_element(inner, one) for inner, one in value.items())}</{tag}>"
        case Page():
            counts = {"current_page_number": 1, "page_size": PAGE_SIZE, "total_items": len(value.items)}
            inner = "".join(_element(one, count) for one, count in counts.items())
            inner += "".join(_element(value.element, one) for one in value.items)
            return f'<{tag} type="collection">{inner}</{tag}>'
        case list():
            each = _each(name)
            return f'<{tag} type="array">{"".join(_element(each, one) for one in value)}</{tag}>'
    kind = ' type="datetime"' if name.endswith("_at") or name == "timestamp" else ""
    return f"<{tag}{kind}>{escape(str(value))}</{tag}>"


def _named(tag: str) -> str:
    return tag.replace("-", "_")


def _each(name: str) -> str:
    """What an element of an array is called."""
    plain = "item" if name.endswith("ids") or not name.endswith("s") else name[:-1]
    return _ONE_OF.get(name, plain)
