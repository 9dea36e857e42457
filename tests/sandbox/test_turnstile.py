"""The double of Turnstile: a token is good once, for 300 s, and the published test keys say what they say."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from sandbox.turnstile import process
from sandbox.turnstile.verdicts import DUMMY_TOKEN, FAILS, LIFE, PASSES, SECRET, SPENT


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """One double for this module."""
    child = process.start()
    yield child.url
    child.stop()


@pytest.fixture
def web(url: str) -> Iterator[httpx.Client]:
    """A client of it, at the machine's time."""
    with httpx.Client(base_url=url, trust_env=False) as client:
        client.patch("/_sandbox/settings", json={"clock_offset": 0, "failing": 0, "silent_seconds": 0})
        yield client


def token(web: httpx.Client, **given: str) -> str:
    """A visitor solves a challenge."""
    return str(web.post("/_sandbox/tokens", json=given).json()["token"])


def verified(web: httpx.Client, response: str, secret: str = SECRET, **more: str) -> dict[str, Any]:
    """The verdict, asked as a form."""
    given = {"secret": secret, "response": response, **more}
    found: dict[str, Any] = web.post("/turnstile/v0/siteverify", data=given).json()
    return found


def test_a_token_passes_once_with_its_hostname_and_action(web: httpx.Client) -> None:
    found = token(web, hostname="dash.example.com", action="create-profile", cdata="x")
    first = verified(web, found)
    assert first["success"] is True
    assert (first["hostname"], first["action"], first["cdata"]) == ("dash.example.com", "create-profile", "x")
    assert first["challenge_ts"].endswith("Z")
    assert verified(web, found)["error-codes"] == ["timeout-or-duplicate"]


def test_the_same_idempotency_key_gets_the_first_verdict_again(web: httpx.Client) -> None:
    found, key = token(web), str(uuid4())
    first = verified(web, found, idempotency_key=key)
    assert verified(web, found, idempotency_key=key) == first
    assert verified(web, found, idempotency_key=str(uuid4()))["success"] is False
    assert verified(web, token(web), idempotency_key="no uuid")["error-codes"] == ["bad-request"]


def test_a_token_runs_out(web: httpx.Client) -> None:
    found = token(web)
    web.patch("/_sandbox/settings", json={"clock_offset": LIFE + 1})
    assert verified(web, found)["error-codes"] == ["timeout-or-duplicate"]


@pytest.mark.parametrize(
    ("secret", "codes"),
    [(PASSES, []), (FAILS, ["invalid-input-response"]), (SPENT, ["timeout-or-duplicate"])],
)
def test_the_published_test_keys(web: httpx.Client, secret: str, codes: list[str]) -> None:
    found = verified(web, DUMMY_TOKEN, secret)
    assert (found["success"], found["error-codes"]) == (not codes, codes)


def test_our_secret_takes_no_dummy_and_a_test_key_no_real_token(web: httpx.Client) -> None:
    assert verified(web, DUMMY_TOKEN)["error-codes"] == ["invalid-input-response"]
    assert verified(web, token(web), PASSES)["error-codes"] == ["invalid-input-response"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"response": "x"}, "missing-input-secret"),
        ({"secret": "who", "response": "x"}, "invalid-input-secret"),
        ({"secret": SECRET}, "missing-input-response"),
        ({"secret": SECRET, "response": "x" * 2049}, "invalid-input-response"),
    ],
)
def test_what_is_missing_or_wrong_is_named(web: httpx.Client, given: dict[str, str], code: str) -> None:
    for asked in (
        web.post("/turnstile/v0/siteverify", json=given),
        web.post("/turnstile/v0/siteverify", data=given),
    ):
        assert asked.json()["error-codes"] == [code]


def test_it_can_fail_and_say_so(web: httpx.Client) -> None:
    web.patch("/_sandbox/settings", json={"failing": 1})
    found = token(web)
    failed = web.post("/turnstile/v0/siteverify", json={"secret": SECRET, "response": found})
    assert (failed.status_code, failed.json()["error-codes"]) == (500, ["internal-error"])
    assert verified(web, found)["success"] is True, "a failure spends nothing"
    broken = web.post("/turnstile/v0/siteverify", content=b"[", headers={"content-type": "application/json"})
    assert broken.status_code == 400


def test_a_person_makes_a_token_and_lets_it_run_out(web: httpx.Client) -> None:
    made = web.post("/act", data={"what": "make", "hostname": "here.example", "action": "pay"})
    assert made.status_code == 303
    page = web.get("/").text
    for shown in ("here.example", "pay", "good"):
        assert shown in page
    web.post("/act", data={"what": "pass"})
    assert "run out" in web.get("/").text
    web.post("/act", data={"what": "fail"})
    answer = web.post("/turnstile/v0/siteverify", data={"secret": SECRET, "response": "x"})
    assert answer.status_code == 500
