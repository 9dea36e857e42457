"""How an endpoint of the double is compared with Stripe's own stripe-mock, which knows Stripe's OpenAPI."""

from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import urlencode

import httpx

from sandbox.stripe.driver import Driver
from sandbox.stripe.mock import Mock

Shape: TypeAlias = tuple[str, str, dict[str, str]]


def filled(text: str, ids: Mapping[str, str]) -> str:
    """The text with its placeholders replaced, the longest first."""
    for name in sorted(ids, key=len, reverse=True):
        text = text.replace(name, ids[name])
    return text


def lacking(ours: Any, theirs: Any, *, unless: tuple[str, ...] = (), where: str = "") -> list[str]:
    """The fields of Stripe's answer that ours lacks; inside lists, of each element."""
    if not isinstance(theirs, dict) or not isinstance(ours, dict):
        return []
    missing = [f"{where}{name}" for name in theirs if name not in ours and name not in unless]
    data = ours.get("data")
    for one in data if isinstance(data, list) else []:
        missing += lacking(one, theirs["data"][0], unless=unless, where=f"{where}data.")
    return missing


def assert_conforms(
    raw: httpx.Client,
    double: Driver,
    mock: Mock,
    shape: Shape,
    ids: Mapping[str, str],
    *,
    unless: tuple[str, ...] = (),
) -> None:
    """The double serves it, stripe-mock accepts it as it was sent, and our answer has all fields of theirs."""
    method, path, form = shape
    parameters = urlencode({name: filled(value, ids) for name, value in form.items()})
    path, query = filled(path, ids), "" if method == "POST" else f"?{parameters}"
    answer = raw.request(method, path + query, content=parameters if method == "POST" else None)
    assert answer.status_code == 200, answer.text
    sent = double.requests(limit=1)[0]
    theirs = mock.assert_accepted(sent["method"], sent["path"], sent["encoded"])
    missing = lacking(answer.json(), theirs, unless=unless)
    assert not missing, missing
    assert answer.json()["object"] == theirs["object"]
