"""Metadata: keys merged one by one, an empty value unsets its key, an empty table unsets all.

Limits of docs.stripe.com/metadata: 50 keys, 40 characters a key without square brackets, 500 a value.
"""

import re
from typing import TypeAlias

from sandbox.stripe.errors import ApiError, invalid
from sandbox.stripe.forms import Value

MOST_KEYS, LONGEST_KEY, LONGEST_VALUE = 50, 40, 500
Metadata: TypeAlias = dict[str, str]


def read(value: Value, param: str) -> Metadata | None:
    """The given changes, an empty string for a key to unset, None to unset all. Raises ApiError (400)."""
    if value == "":
        return None
    if not isinstance(value, dict):
        raise invalid(f"Invalid object: {value}", param=param)
    return {_key(key): _value(given, f"{param}[{key}]") for key, given in value.items()}


def merged(old: Metadata, changes: Metadata | None) -> Metadata:
    """The metadata after the changes. Raises ApiError for too many keys: that is found while executing."""
    if changes is None:
        return {}
    new = {key: value for key, value in {**old, **changes}.items() if value != ""}
    if len(new) > MOST_KEYS:
        raise ApiError(
            400,
            f"Metadata can have up to {MOST_KEYS} keys, but you've set {len(new)}. Email us at "
            "support+metadata@stripe.com for more information.",
            param="metadata",
            executed=True,
        )
    return new


def _key(key: str) -> str:
    if re.search(r"[\[\]]", key) or not key:
        raise invalid(
            f"Metadata keys cannot be empty or have square brackets. Invalid key: {key}", param="metadata"
        )
    if len(key) > LONGEST_KEY:
        raise invalid(
            f"Metadata keys can have up to {LONGEST_KEY} characters, but you passed in a key that is "
            f"{len(key)} characters. Invalid key: {key}",
            param="metadata",
        )
    return key


def _value(value: Value, param: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {value}", param=param)
    if len(value) > LONGEST_VALUE:
        raise invalid(
            f"Metadata values can have up to {LONGEST_VALUE} characters, but you passed in a value that is "
            f"{len(value)} characters. Invalid value: {value}",
            param="metadata",
        )
    return value
