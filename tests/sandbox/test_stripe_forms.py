"""The form encoding: what the real client encodes, the double reads back."""

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stripe._encode import _api_encode

from sandbox.stripe.forms import decode

names = st.text(st.characters(exclude_characters="[]", codec="utf-8"), min_size=1)
values = st.text(st.characters(codec="utf-8"))
nested = st.recursive(values, lambda inner: st.dictionaries(names, inner, min_size=1), max_leaves=8)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(names, nested))
def test_what_the_client_encodes_is_read_back(form: dict[str, Any]) -> None:
    assert decode(urlencode(list(_api_encode(form)))) == form


@pytest.mark.parametrize(
    ("encoded", "form"),
    [
        ("a=1&b=", {"a": "1", "b": ""}),
        ("a[b][c]=1&a[d]=2", {"a": {"b": {"c": "1"}, "d": "2"}}),
        ("a[0]=x&a[1]=y", {"a": {"0": "x", "1": "y"}}),
        ("a[]=x&a[]=y", {"a": {"0": "x", "1": "y"}}),
        ("a[0][t]=x&a[0][v]=y", {"a": {"0": {"t": "x", "v": "y"}}}),
        ("a[b[c]]=1", {"a": {"b[c]": "1"}}),
        ("a=1&a=2", {"a": "2"}),
        ("a=1&a[b]=2", {"a": {"b": "2"}}),
        ("a[b=1", {"a[b": "1"}),
        ("n=%C3%A9+%26", {"n": "é &"}),
        ("", {}),
    ],
)
def test_forms_are_nested_by_brackets(encoded: str, form: dict[str, Any]) -> None:
    assert decode(encoded) == form
