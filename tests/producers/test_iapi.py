"""What services ask of the iAPI Gateway, over real HTTP, Kafka and PostgreSQL."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter

from handlers.accounts import AccountRecord
from handlers.profile_rules import TaxContext
from handlers.stripe_customers import StripeCustomer
from producers.iapi.accounts import AccountChanged, FlagsShown, TypeShown
from producers.iapi.billing_state import BillingState, BillingStates, states
from producers.iapi.profiles import ProfileShown, Verdict
from producers.iapi.stripe_customers import CustomerLinked, CustomerShown, HoldersShown
from producers.trace import new_id
from state.postgres import accounts, effects, profiles, stripe_customers
from state.postgres.connection import Connection
from state.postgres.effects import EffectRow
from tests.consumers.lanes import journaled
from tests.producers.surfaces import (
    PROFILE,
    Caller,
    Service,
    account,
)
from topics.accounts import AccountType, Flag

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def result(caller: Caller, method: str, path: str, model: Any, **options: Any) -> Any:
    """The result of a request that succeeds, checked against the model that documents it."""
    answer = await caller.http.request(method, path, **options)
    assert answer.status_code == 200, answer.text
    found = answer.json()["result"]
    TypeAdapter(model).validate_json(json.dumps(found))
    return found


def signed(known: Service, *granted: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {known.sign(*granted)}"}


async def refusal(caller: Caller, method: str, path: str, **options: Any) -> tuple[int, int]:
    answer = await caller.http.request(method, path, **options)
    return answer.status_code, answer.json()["errors"][0]["code"]


async def test_a_flag_is_raised_and_lowered(iapi: Caller) -> None:
    flags, flag = iapi.internal("flags"), iapi.internal("flags/bad_debt")
    assert await result(iapi, "GET", flags, FlagsShown) == {"flags": 0, "flag_names": [], "version": 1}
    raised = await result(iapi, "PUT", flag, AccountChanged)
    assert (raised["flags"], raised["flag_names"], raised["version"]) == (32768, ["bad_debt"], 2)
    assert (await result(iapi, "GET", flags, FlagsShown))["flag_names"] == ["bad_debt"]
    lowered = await result(iapi, "DELETE", flag, AccountChanged, params={"expected_version": 2})
    assert (lowered["flags"], lowered["version"]) == (0, 3)


async def test_a_flag_is_not_changed_on_an_old_version(iapi: Caller) -> None:
    flag = iapi.internal("flags/bad_debt")
    assert await refusal(iapi, "PUT", flag, params={"expected_version": 7}) == (409, 1311)
    for strange in ("x", "0", "-1", "1.5", "", "9" * 30, "\u0664"):
        assert await refusal(iapi, "PUT", flag, params={"expected_version": strange}) == (400, 1400)


async def test_there_are_only_the_flags_there_are(iapi: Caller) -> None:
    assert await refusal(iapi, "PUT", iapi.internal("flags/good_debt")) == (404, 1404)


async def test_the_account_type_is_read_and_changed(iapi: Caller) -> None:
    path = iapi.internal("account-type")
    assert await result(iapi, "GET", path, TypeShown) == {"account_type": "pay_go", "version": 1}
    changed = await result(iapi, "PUT", path, AccountChanged, json={"account_type": "enterprise"})
    assert (changed["account_type"], changed["version"]) == ("enterprise", 2)
    stale = {"account_type": "msp", "expected_version": 1}
    assert await refusal(iapi, "PUT", path, json=stale) == (409, 1311)
    assert await refusal(iapi, "PUT", path, json={"account_type": "platinum"}) == (400, 1400)


async def test_a_stripe_customer_is_linked_by_compare_and_set(iapi: Caller) -> None:
    path = iapi.internal("stripe-customer")
    assert await refusal(iapi, "GET", path) == (404, 1404)
    linked = await result(iapi, "PUT", path, CustomerLinked, json={"customer_id": "cus_A1"})
    assert linked == {"customer_id": "cus_A1", "merged": False, "version": 1}
    blind = {"customer_id": "cus_B2", "expected_customer_id": None}
    assert await refusal(iapi, "PUT", path, json=blind) == (409, 1311)
    seeing = {"customer_id": "cus_B2", "expected_customer_id": "cus_A1"}
    assert (await result(iapi, "PUT", path, CustomerLinked, json=seeing))["customer_id"] == "cus_B2"
    shown = await result(iapi, "GET", path, CustomerShown)
    assert shown["customer_id"] == "cus_B2"
    assert shown["sync"]["state"] == "pending"
    assert await refusal(iapi, "PUT", path, json={"customer_id": "not one"}) == (400, 1400)


@pytest.mark.parametrize("name", ["%00", "cus_%00", "%E2%80%8B"])
async def test_a_customer_whose_name_nobody_could_have_is_nobodys(iapi: Caller, name: str) -> None:
    answer = await iapi.http.get(f"/internal/v1/stripe-customers/{name}/account")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, 1404)


async def test_a_stripe_customer_leads_to_its_account(iapi: Caller, connection: Connection) -> None:
    path = "/internal/v1/stripe-customers/cus_C3/account"
    assert await refusal(iapi, "GET", path) == (404, 1404)
    await iapi.http.put(iapi.internal("stripe-customer"), json={"customer_id": "cus_C3"})
    alone = await result(iapi, "GET", path, HoldersShown)
    assert (alone["account_id"], alone["merged"]) == (iapi.account_id, False)
    second = await account(connection)
    await stripe_customers.save(connection, {second: StripeCustomer("cus_C3", 1)})
    merged = await result(iapi, "GET", path, HoldersShown)
    assert (merged["account_id"], merged["merged"]) == (None, True)
    assert merged["account_ids"] == sorted([iapi.account_id, second])


async def test_a_profile_is_upserted_patched_and_read(iapi: Caller) -> None:
    path = iapi.internal("billing-profile")
    assert await refusal(iapi, "GET", path) == (404, 1404)
    assert (await result(iapi, "PUT", path, ProfileShown, json=PROFILE))["version"] == 1
    again = await result(iapi, "PUT", path, ProfileShown, json={**PROFILE, "first_name": "Augusta"})
    assert (again["first_name"], again["version"]) == ("Augusta", 2)
    patched = await result(iapi, "PATCH", path, ProfileShown, json={"preferred_locale": "de-DE"})
    assert patched == await result(iapi, "GET", path, ProfileShown)
    stale = {**PROFILE, "expected_version": 1}
    assert await refusal(iapi, "PUT", path, json=stale) == (409, 1311)


async def test_a_dry_run_tells_what_would_come_of_it_and_keeps_nothing(
    iapi: Caller, connection: Connection
) -> None:
    path = iapi.internal("billing-profile/validate")
    fine = await result(iapi, "POST", path, Verdict, json={**PROFILE, "city": " San Francisco "})
    assert (fine["valid"], fine["errors"]) == (True, [])
    assert fine["result"]["city"] == "San Francisco"
    wrong = await result(iapi, "POST", path, Verdict, json={**PROFILE, "zipcode": "nowhere"})
    assert (wrong["valid"], wrong["result"]) == (False, None)
    assert wrong["errors"][0]["source"] == {"pointer": "/zipcode"}
    assert wrong["suggestions"]
    assert await refusal(iapi, "GET", iapi.internal("billing-profile")) == (404, 1404)
    assert await journaled(connection, iapi.account_id) == []


async def test_a_dry_run_knows_of_debt(iapi: Caller, connection: Connection) -> None:
    await iapi.http.put(iapi.internal("billing-profile"), json=PROFILE)
    now = datetime.now(UTC)
    indebted = AccountRecord(AccountType.PAY_GO, int(Flag.BAD_DEBT), 2, None, now, now)
    await accounts.save(connection, {iapi.account_id: indebted})
    verdict = await result(iapi, "POST", iapi.internal("billing-profile/validate"), Verdict, json=PROFILE)
    assert (verdict["valid"], verdict["errors"][0]["code"]) == (False, 1300)


async def test_a_profile_says_what_it_means_for_tax(iapi: Caller) -> None:
    path = iapi.internal("billing-profile/tax-context")
    assert await refusal(iapi, "GET", path) == (404, 1404)
    await iapi.http.put(
        iapi.internal("billing-profile"),
        json={
            "company": "Beispiel GmbH",
            "address": "Unter den Linden 1",
            "city": "Berlin",
            "zipcode": "10117",
            "country": "DE",
            "vat": "DE136695976",
        },
    )
    context = await result(iapi, "GET", path, TaxContext)
    assert (context["country"], context["tax_id"], context["is_business"]) == ("DE", "DE136695976", True)


async def test_a_sync_can_be_asked_for_but_not_of_a_merged_account(
    iapi: Caller, connection: Connection
) -> None:
    path = iapi.internal("billing-profile/sync")
    await iapi.http.put(iapi.internal("stripe-customer"), json={"customer_id": "cus_D4"})
    assert (await result(iapi, "POST", path, CustomerLinked))["customer_id"] == "cus_D4"
    customer = (await stripe_customers.load(connection, [iapi.account_id]))[iapi.account_id]
    merged = replace(customer, merged=True, version=customer.version + 1)
    await stripe_customers.save(connection, {iapi.account_id: merged})
    assert await refusal(iapi, "POST", path) == (409, 1308)


async def test_the_billing_state_shows_everything_of_one_account(
    iapi: Caller, connection: Connection
) -> None:
    path = iapi.internal("billing-state")
    bare = await result(iapi, "GET", path, BillingState)
    assert (bare["billing_profile"], bare["effects"], bare["parked"]) == (None, [], False)
    assert bare["stripe_customer"]["sync"]["state"] == "none"
    await iapi.http.put(iapi.internal("billing-profile"), json=PROFILE)
    row = EffectRow(iapi.account_id, new_id(), "stripe.sync_customer", "stripe", "customer")
    await effects.add(connection, [row])
    await connection.execute(
        "INSERT INTO parked_commands (account_id, command_id, lane, topic, partition, record_offset, timestamp_ms, "
        "headers, body, parked_at) VALUES ($1, $2, 'commands', 't', 0, 0, 0, '[]', '', now())",
        iapi.account_id,
        new_id(),
    )
    full = await result(iapi, "GET", path, BillingState)
    assert full["billing_profile"]["first_name"] == "Ada"
    assert full["stripe_customer"]["sync"]["state"] == "pending"
    assert [effect["kind"] for effect in full["effects"]] == ["stripe.sync_customer"]
    assert full["parked"] is True


async def test_times_have_one_form_in_all_of_an_answer(iapi: Caller) -> None:
    await iapi.http.put(iapi.internal("stripe-customer"), json={"customer_id": "cus_E5"})
    upserted = await iapi.http.put(iapi.internal("billing-profile"), json=PROFILE)
    state = await iapi.http.get(iapi.internal("billing-state"))
    for answer in (upserted, state):
        times = re.findall(r'"(\d{4}-\d\d-\d\dT[^"]*)"', answer.text)
        assert len(times) >= 2
        assert all(re.fullmatch(r"[\d-]{10}T[\d:]{8}(\.\d{6})?Z", time) for time in times), times


async def test_a_deleted_profile_is_not_shown(iapi: Caller, connection: Connection) -> None:
    await iapi.http.put(iapi.internal("billing-profile"), json=PROFILE)
    kept = (await profiles.load(connection, [iapi.account_id]))[iapi.account_id]
    deleted = replace(kept, version=kept.version + 1, deleted_on=datetime.now(UTC))
    await profiles.save(connection, {iapi.account_id: deleted})
    assert (await result(iapi, "GET", iapi.internal("billing-state"), BillingState))[
        "billing_profile"
    ] is None
    assert await refusal(iapi, "GET", iapi.internal("billing-profile")) == (404, 1404)


BATCH = "/internal/v1/accounts/billing-state/batch"


async def test_a_thousand_states_are_read_at_once(iapi: Caller, connection: Connection) -> None:
    now = datetime.now(UTC)
    ids = [f"{number:032x}" for number in range(1000)]
    record = AccountRecord(AccountType.PAY_GO, 0, 1, None, now, now)
    await accounts.save(connection, dict.fromkeys(ids[:999], record))
    asked = {"account_ids": [*reversed(ids[1:]), ids[1]]}
    found = await result(iapi, "POST", BATCH, BillingStates, json=asked)
    assert [state["account_id"] for state in found["accounts"]] == [*reversed(ids[1:999])]
    assert found["unknown"] == [ids[999]]


async def test_however_many_states_are_read_the_statements_are_as_many(connection: Connection) -> None:
    async def statements(ids: list[str]) -> int:
        asked: list[object] = []
        with connection.query_logger(asked.append):
            await states(connection, ids)
        return len(asked)

    one, many = await account(connection), [await account(connection) for _ in range(20)]
    assert await statements(many) == await statements([one]) > 0


@pytest.mark.parametrize("ids", [[], ["x"], [7], ["A" * 32], [f"{number:032x}" for number in range(1001)]])
async def test_a_batch_is_of_one_to_a_thousand_account_ids(iapi: Caller, ids: list[object]) -> None:
    assert await refusal(iapi, "POST", BATCH, json={"account_ids": ids}) == (400, 1400)


async def test_an_unknown_account_is_not_found_anywhere(iapi: Caller) -> None:
    nobody = replace(iapi, account_id="f" * 32)
    for path in ("billing-state", "flags", "account-type", "stripe-customer", "billing-profile"):
        assert await refusal(nobody, "GET", nobody.internal(path)) == (404, 1404)
    assert await refusal(nobody, "PUT", nobody.internal("billing-profile"), json=PROFILE) == (404, 1404)
    assert await refusal(nobody, "POST", nobody.internal("billing-profile/validate"), json=PROFILE) == (
        404,
        1404,
    )
    malformed = replace(iapi, account_id="x")
    assert await refusal(malformed, "GET", malformed.internal("flags")) == (404, 1404)


async def test_a_service_needs_the_scope_of_what_it_asks(iapi: Caller, known_service: Service) -> None:
    modest = signed(known_service, "accounts:read")
    assert (await iapi.http.get(iapi.internal("flags"), headers=modest)).status_code == 200
    assert await refusal(iapi, "PUT", iapi.internal("flags/bad_debt"), headers=modest) == (403, 1403)
    assert await refusal(iapi, "GET", iapi.internal("billing-state"), headers=modest) == (403, 1403)
    nobody = {"Authorization": "Bearer x"}
    assert await refusal(iapi, "GET", iapi.internal("flags"), headers=nobody) == (401, 1401)


async def test_commands_name_the_service(iapi: Caller, connection: Connection) -> None:
    await iapi.http.put(iapi.internal("flags/bad_debt"))
    row = await connection.fetchrow("SELECT * FROM journal WHERE account_id = $1", iapi.account_id)
    assert row is not None
    assert (row["actor"], row["actor_role"], row["surface"]) == ("accounts-service", "service", "iapi")
