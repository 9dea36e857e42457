"""How Stripe's objects name each other: by id, or by the object itself where it was expanded."""

from collections.abc import Mapping
from typing import Any


def reference(named: str | Mapping[str, Any] | None) -> str | None:
    """The id of what a field names; None when it names nothing."""
    if named is None or isinstance(named, str):
        return named or None
    return str(named["id"])
