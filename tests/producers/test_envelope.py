"""A stranger's bad request is answered in the envelope, whatever is wrong with it."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from producers.http import body as bodies
from state.postgres import profiles
from tests.producers.surfaces import PROFILE, Caller

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

JSON = {"content-type": "application/json"}


def told(text: str) -> tuple[int, str]:
    """The one error of a failure's envelope, which is checked to be whole."""
    body = json.loads(text)
    assert body.keys() == {"success", "errors", "messages", "result"}
    assert (body["success"], body["messages"], body["result"]) == (False, [], None)
    (error,) = body["errors"]
    return error["code"], error["message"]


async def test_a_path_that_is_none(dashboard: Caller) -> None:
    for path in ("/", "/nowhere", "/client/v4", f"{dashboard.profile}/", "/docs", "/redoc"):
        answer = await dashboard.http.get(path)
        assert answer.status_code == 404
        assert told(answer.text) == (1404, "There is nothing at this path.")


async def test_a_method_that_the_path_does_not_take(dashboard: Caller) -> None:
    answer = await dashboard.http.request("OPTIONS", dashboard.profile)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "DELETE, GET, HEAD, PATCH, POST, PUT"
    assert told(answer.text)[0] == 1405
    answer = await dashboard.http.get("/client/v4/billing/address-validation")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "body", [b"{", b"", b"[1]", b'"x"', b"null", b"{'a': 1}", b'{"city": "\xff"}', b"[" * 5000]
)
async def test_a_body_that_is_no_json_object(dashboard: Caller, body: bytes) -> None:
    answer = await dashboard.http.post(dashboard.profile, content=body, headers=JSON)
    assert answer.status_code == 400
    assert told(answer.text)[0] == 1400


async def test_fields_that_are_unknown_or_of_another_kind(dashboard: Caller) -> None:
    answer = await dashboard.http.post(dashboard.profile, json={"citi": "Berlin", "country": 49, "a/b~c": 1})
    assert answer.status_code == 400
    errors = {error["source"]["pointer"]: error["message"] for error in answer.json()["errors"]}
    assert errors["/country"] == "Send text, in quotes."
    assert errors["/citi"] == "There is no such field here. Check its spelling, or leave it out."
    assert "/a~1b~0c" in errors


async def test_what_was_sent_is_never_repeated_in_an_error(dashboard: Caller) -> None:
    wrong = {**PROFILE, "zipcode": "secret-1", "billing_email": "secret-2", "country": ["secret-3"]}
    answer = await dashboard.http.post(dashboard.profile, json=wrong)
    assert answer.status_code == 400
    assert "secret" not in answer.text


async def test_a_body_that_is_not_json(dashboard: Caller) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = await dashboard.http.post(dashboard.profile, content=b"a=1", headers={"content-type": kind})
        assert answer.status_code == 415
        assert told(answer.text)[0] == 1415
    packed = {**JSON, "content-encoding": "gzip"}
    assert (await dashboard.http.post(dashboard.profile, content=b"{}", headers=packed)).status_code == 415


async def test_json_by_another_name_is_taken(dashboard: Caller) -> None:
    for kind in ("application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"):
        headers = {"content-type": kind}
        answer = await dashboard.http.put(dashboard.profile, content=json.dumps(PROFILE), headers=headers)
        assert answer.json()["errors"][0]["code"] == 1404  # understood: there is no profile to replace


async def test_a_body_that_is_too_large(dashboard: Caller) -> None:
    large = json.dumps({**PROFILE, "company": "x" * 70_000}).encode()
    announced = await dashboard.http.post(dashboard.profile, content=large, headers=JSON)
    assert announced.status_code == 413
    assert told(announced.text) == (1413, "The body is larger than 64 KiB.")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b" " * 10_000
            await asyncio.sleep(0)

    chunked = await dashboard.http.post(dashboard.profile, content=pieces(), headers=JSON)
    assert chunked.status_code == 413
    assert told(chunked.text)[0] == 1413
    assert (await dashboard.http.get("/livez")).status_code == 200


async def test_a_body_that_never_ends_is_given_up(dashboard: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_PATIENCE", 0.1)

    async def stalling() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(0.3)
        yield b"}"

    answer = await dashboard.http.post(dashboard.profile, content=stalling(), headers=JSON)
    assert (answer.status_code, told(answer.text)[0]) == (400, 1400)


async def test_a_caller_who_hangs_up_is_no_defect(
    dashboard: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    url = urlsplit(dashboard.url)
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    head = f"POST {dashboard.profile} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {dashboard.secret}\r\n"
    writer.write(f"{head}content-type: application/json\r\ncontent-length: 100\r\n\r\n{{".encode())
    await writer.drain()
    await dashboard.http.get("/livez")
    writer.close()
    await writer.wait_closed()
    for _ in range(3):
        await dashboard.http.get("/livez")
    assert "request_failed" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nbroken header\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nlong: " + b"x" * 20_000 + b"\r\n\r\n",
    ],
)
async def test_bytes_that_are_no_http(dashboard: Caller, sent: bytes) -> None:
    url = urlsplit(dashboard.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(sent)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 400 ")
    assert told(body.decode())[0] == 1400


async def test_a_defect_is_answered_without_a_trace(
    dashboard: Caller, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("ada@example.com")

    monkeypatch.setattr(profiles, "shown", broken)
    answer = await dashboard.http.get(dashboard.profile, headers={"X-Request-Id": "find-me"})
    assert answer.status_code == 500
    assert told(answer.text)[0] == 1500
    assert "ZeroDivision" not in answer.text
    assert answer.headers["X-Request-Id"] == "find-me"
    logged = capsys.readouterr()
    assert "find-me" in logged.out + logged.err
    assert "ZeroDivisionError" in logged.out + logged.err
    assert "ada@example.com" not in logged.out + logged.err


async def test_a_request_id_goes_in_and_out(dashboard: Caller) -> None:
    answer = await dashboard.http.get("/livez", headers={"X-Request-Id": "abc-123"})
    assert answer.headers["X-Request-Id"] == "abc-123"
    for strange in ("x" * 200, "a b", "<script>"):
        answer = await dashboard.http.get("/livez", headers={"X-Request-Id": strange})
        assert answer.headers["X-Request-Id"] not in ("", strange)


async def test_every_answer_forbids_keeping_and_framing(dashboard: Caller) -> None:
    for path in ("/livez", "/nowhere", dashboard.profile):
        headers = (await dashboard.http.get(path)).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "server" not in headers


async def test_logs_hold_no_query_string_and_no_token(
    dashboard: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    await dashboard.http.get(f"{dashboard.profile}?email=ada@example.com")
    await dashboard.http.post(dashboard.profile, json=PROFILE)
    logged = capsys.readouterr()
    text = logged.out + logged.err
    assert "route=" in text
    for secret in ("ada@example.com", dashboard.secret, "Lovelace", "Townsend"):
        assert secret not in text
