"""The billing profile through the Dashboard, over real HTTP, Kafka and PostgreSQL."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter

from handlers.accounts import AccountRecord, Lock
from producers.dashboard.profiles import ProfileShown
from state.postgres import accounts
from state.postgres.connection import Connection
from tests.producers.surfaces import PROFILE, Caller
from topics.accounts import AccountType, Flag

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def test_a_created_profile_can_be_read_at_once(dashboard: Caller) -> None:
    created = await dashboard.http.post(dashboard.profile, json=PROFILE)
    assert created.status_code == 200
    shown = await dashboard.http.get(dashboard.profile)
    assert shown.json() == created.json()
    assert shown.json()["result"]["id"] == dashboard.account_id
    assert shown.json()["result"].items() >= PROFILE.items()


async def test_answers_have_the_documented_shape(dashboard: Caller) -> None:
    created = (await dashboard.http.post(dashboard.profile, json=PROFILE)).json()
    assert created.keys() == {"success", "errors", "messages", "result"}
    assert (created["success"], created["errors"], created["messages"]) == (True, [], [])
    TypeAdapter(ProfileShown).validate_json(json.dumps(created["result"]))


async def test_there_is_no_profile_before_it_is_created(dashboard: Caller) -> None:
    absent = await dashboard.http.get(dashboard.profile)
    assert absent.status_code == 404
    assert absent.json() == {
        "success": False,
        "errors": [{"code": 1404, "message": "There is no billing profile yet. Create one first."}],
        "messages": [],
        "result": None,
    }


async def test_a_second_profile_is_refused(dashboard: Caller) -> None:
    await dashboard.http.post(dashboard.profile, json=PROFILE)
    again = await dashboard.http.post(dashboard.profile, json=PROFILE)
    assert again.status_code == 409
    assert again.json()["errors"][0]["code"] == 1313


async def test_replacing_removes_what_was_left_out(dashboard: Caller) -> None:
    await dashboard.http.post(dashboard.profile, json={**PROFILE, "company": "Engines Ltd"})
    replaced = await dashboard.http.put(dashboard.profile, json={**PROFILE, "first_name": "Augusta"})
    assert replaced.status_code == 200
    assert replaced.json()["result"]["first_name"] == "Augusta"
    assert replaced.json()["result"]["company"] is None
    assert replaced.json()["result"]["version"] == 2


async def test_patching_leaves_what_was_not_named(dashboard: Caller) -> None:
    await dashboard.http.post(dashboard.profile, json=PROFILE)
    patched = await dashboard.http.patch(dashboard.profile, json={"preferred_locale": "de-DE"})
    assert patched.status_code == 200
    assert patched.json()["result"].items() >= {**PROFILE, "preferred_locale": "de-DE"}.items()


async def test_a_deleted_profile_is_gone(dashboard: Caller) -> None:
    await dashboard.http.post(dashboard.profile, json=PROFILE)
    deleted = await dashboard.http.delete(dashboard.profile)
    assert (deleted.status_code, deleted.json()["result"]) == (200, None)
    assert (await dashboard.http.get(dashboard.profile)).status_code == 404
    assert (await dashboard.http.delete(dashboard.profile)).status_code == 404


async def test_every_wrong_field_is_named_by_its_pointer(dashboard: Caller) -> None:
    wrong = {**PROFILE, "zipcode": "nowhere", "billing_email": "not an address"}
    refused = await dashboard.http.post(dashboard.profile, json=wrong)
    assert refused.status_code == 400
    found = refused.json()["errors"]
    assert {error["source"]["pointer"] for error in found} == {"/zipcode", "/billing_email"}
    assert {error["code"] for error in found} == {1400}


async def test_a_profile_can_be_sent_back_as_it_was_read(dashboard: Caller) -> None:
    await dashboard.http.post(dashboard.profile, json=PROFILE)
    shown = (await dashboard.http.get(dashboard.profile)).json()["result"]
    sent_back = await dashboard.http.put(
        dashboard.profile, json={**shown, "last_name": "King", "balance": "0", "card_number": None}
    )
    assert sent_back.status_code == 200
    assert sent_back.json()["result"]["last_name"] == "King"


async def test_a_solved_challenge_is_accepted_and_kept_nowhere(
    dashboard: Caller, connection: Connection
) -> None:
    challenge = {
        "cf_turnstile_response": "solved-1",
        "captcha_challenge_jwt": "solved-2",
        "h_captcha_response": "solved-3",
        "buying_rate_plan": "pro",
    }
    assert (await dashboard.http.post(dashboard.profile, json=PROFILE | challenge)).status_code == 200
    bodies = await connection.fetch(
        "SELECT body, answer FROM journal WHERE account_id = $1", dashboard.account_id
    )
    assert len(bodies) == 1
    assert not any(word in f"{bodies[0]}" for word in challenge.values())


async def test_a_change_decided_on_an_old_version_is_refused(dashboard: Caller) -> None:
    await dashboard.http.post(dashboard.profile, json=PROFILE)
    await dashboard.http.put(dashboard.profile, json={**PROFILE, "city": "Oakland", "zipcode": "94601"})
    late = await dashboard.http.put(dashboard.profile, json={**PROFILE, "expected_version": 1})
    assert (late.status_code, late.json()["errors"][0]["code"]) == (409, 1311)
    late = await dashboard.http.patch(
        dashboard.profile, json={"preferred_locale": "de", "expected_version": 1}
    )
    assert (late.status_code, late.json()["errors"][0]["code"]) == (409, 1311)


async def _change(connection: Connection, account_id: str, **changes: object) -> None:
    now = datetime.now(UTC)
    record = AccountRecord(AccountType.PAY_GO, 0, 2, None, now, now)
    await accounts.save(connection, {account_id: replace(record, **changes)})  # type: ignore[arg-type]


async def test_with_debt_only_emails_and_locale_can_change(dashboard: Caller, connection: Connection) -> None:
    await dashboard.http.post(dashboard.profile, json=PROFILE)
    await _change(connection, dashboard.account_id, flags=int(Flag.BAD_DEBT))
    replaced = await dashboard.http.put(dashboard.profile, json=PROFILE)
    assert (replaced.status_code, replaced.json()["errors"][0]["code"]) == (409, 1300)
    patched = await dashboard.http.patch(dashboard.profile, json={"billing_email": "ada@example.org"})
    assert patched.status_code == 200


async def test_a_locked_account_says_so(dashboard: Caller, connection: Connection) -> None:
    lock = Lock("operator:1", "fraud check", datetime.now(UTC))
    await _change(connection, dashboard.account_id, lock=lock)
    refused = await dashboard.http.post(dashboard.profile, json=PROFILE)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (423, 1309)
    assert "fraud" not in refused.text


async def test_text_that_postgres_cannot_hold_is_refused_at_the_door(dashboard: Caller) -> None:
    refused = await dashboard.http.post(dashboard.profile, json={**PROFILE, "company": "Engines \0 Ltd"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, 1400)
    assert "Operation-Id" not in refused.headers
    spelled_out = await dashboard.http.post(dashboard.profile, json={**PROFILE, "company": r"A \u0000 B"})
    assert spelled_out.json()["result"]["company"] == r"A \u0000 B"


async def test_an_address_is_suggested_without_credentials(dashboard: Caller) -> None:
    typed = {"address": "101 Townsend Street", "city": "san francisco", "state": "California"}
    dashboard.http.headers.pop("Authorization")
    answer = await dashboard.http.post(
        "/client/v4/billing/address-validation", json={**typed, "zipcode": "94107", "country": "US"}
    )
    assert answer.status_code == 200
    assert answer.json()["result"]["validated_addresses"] == [
        {
            "address": "101 Townsend Street",
            "address2": None,
            "city": "San Francisco",
            "state": "CA",
            "zipcode": "94107",
            "country": "US",
            "validation_code": "corrected",
        }
    ]


async def test_a_field_that_patch_does_not_change_says_what_does(dashboard: Caller) -> None:
    refused = await dashboard.http.patch(dashboard.profile, json={"first_name": "Ada", "frist_name": "Ada"})
    assert refused.status_code == 400
    told = {error["source"]["pointer"]: error["message"] for error in refused.json()["errors"]}
    assert "PUT" in told["/first_name"]
    assert "no such field" in told["/frist_name"]
