"""Payment methods through a whole fleet: the official client's calls, an agreement that its payer revokes, no secret.

Nothing is played by a test here: HTTP, Kafka, every member and the doubles of both processors are those of `make run`.
Each test has an account of its own.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import cloudflare
import httpx
import pytest
from click.testing import CliRunner
from cloudflare import Cloudflare

from consumers.sweeps.asking import Processors
from consumers.sweeps.sweeper import Sweeper
from fleet.cli import main
from fleet.local.demo import ACCOUNTS
from state.postgres.connection import connect
from state.postgres.sweeps import Counts
from state.redis.connection import connect as connect_redis
from tests.braintree_double import braintree_at
from tests.consumers.sweeps.sweeping import ON_DEMAND
from tests.fleet.local_fleet import LocalFleet, in_tables, logs, on_disk, on_kafka, running, told, until
from tests.stripe_double import stripe_at

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

SECRETIVE, CLIENT, REVOKED = ACCOUNTS
CLOSE_LOOK = 4
"""Requests: the customer, its methods and its subscriptions at Stripe, and the vault."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFleet]:
    """One fleet for these tests."""
    with running(told(tmp_path_factory.mktemp("fleet"))) as found:
        yield found


def test_no_secret_of_a_payment_is_written_anywhere(fleet: LocalFleet) -> None:
    """Nonces, device data and client secrets pass through it, and no table, topic, log or other file has them."""
    nonce, device = fleet.nonce(), "correlation-of-a-device"
    # The page first: two methods are as many as there may be.
    page = fleet.asked(SECRETIVE, "POST", "client-secret", {})
    added(fleet, SECRETIVE, type="PAYPAL", payment_nonce=nonce, device_data=device)
    waiting = added(fleet, SECRETIVE, type="CREDIT_CARD", payment_nonce="pm_card_threeDSecure2Required")
    secrets = [waiting["client_secret"], page["client_secret"]]
    setup = setup_of(waiting["client_secret"])
    httpx.post(f"{fleet.env['SANDBOX_URL']}/authenticate/{setup}", params={"outcome": "complete"})
    until(lambda: {one["status"] for one in fleet.asked(SECRETIVE, "GET", "payment-methods")} == {"active"})
    until(lambda: b"setup_intent.succeeded" in on_kafka(fleet.told))
    hidden(fleet, (nonce, device, *secrets), shown=setup)


def hidden(fleet: LocalFleet, words: tuple[str, ...], *, shown: str) -> None:
    """None of the words lies anywhere; the search itself is proved by what does."""
    tables, topics = in_tables(fleet.env["DATABASE_URL"]), on_kafka(fleet.told)
    written = "".join(path.read_text(errors="replace") for path in logs(fleet.told))
    found = dict(on_disk(fleet.told))
    assert any(path.parent.name == "pg_wal" for path in found)
    assert shown in tables
    assert shown.encode() in topics
    for word in words:
        assert word not in tables
        assert word.encode().hex() not in tables, "a column of bytes has it"
        assert word.encode() not in topics
        assert word not in written
        assert [path for path, held in found.items() if word.encode() in held] == []


def test_the_official_client_keeps_chooses_edits_and_removes(fleet: LocalFleet) -> None:
    """Unchanged but for its base URL and token; what it is told is what the processors have."""
    with client_of(fleet) as client:
        methods, account = client.accounts.payment_methods, CLIENT
        assert list(methods.list(account_id=account)) == []
        reference = card(fleet)
        visa = methods.create(
            account_id=account, type="CREDIT_CARD", payment_nonce=reference, nick_name="Team card"
        )
        assert visa.id is not None
        assert (visa.type, visa.last_four, visa.default, visa.nick_name) == (
            "CREDIT_CARD",
            "4242",
            True,
            "Team card",
        )
        paypal = methods.create(
            account_id=account,
            type="PAYPAL",
            payment_nonce=fleet.nonce(email="payer@example.com"),
            device_data='{"correlation_id":"d"}',
        )
        assert paypal.id is not None
        assert (paypal.type, paypal.payment_account_email, paypal.default) == (
            "PAYPAL",
            "payer@example.com",
            False,
        )
        assert [one.id for one in methods.list(account_id=account)] == [visa.id, paypal.id]
        assert fleet.in_vault()[paypal.id]["customer_id"] == account
        edited = methods.update(paypal.id, account_id=account, nick_name="Ours", default=True)
        assert (edited.nick_name, edited.default) == ("Ours", True)
        assert [one.id for one in methods.list(account_id=account)] == [paypal.id, visa.id]
        until(lambda: fleet.in_vault()[str(paypal.id)]["default"])
        methods.set_as_default(visa.id, account_id=account)
        shown = methods.get(paypal.id, account_id=account)
        assert (shown.nick_name, shown.default) == ("Ours", False)
        methods.delete(paypal.id, account_id=account)
        with pytest.raises(cloudflare.NotFoundError):
            methods.get(paypal.id, account_id=account)
        until(lambda: paypal.id not in fleet.in_vault())
        assert default_at_stripe(fleet, account) == reference
        collected_on_a_page(fleet, client, account)
        kept = [(one.type, one.last_four, one.bank_country) for one in methods.list(account_id=account)]
        assert kept == [("CREDIT_CARD", "4242", None), ("SEPA_DEBIT", "3201", "AT")]


def collected_on_a_page(fleet: LocalFleet, client: Cloudflare, account: str) -> None:
    """Both of the client's ways to a secret; a page confirms the later one by SEPA debit: the earlier is cancelled."""
    first = client.accounts.client_secret.create(account_id=account)
    second = client.billing.profiles.payment_method.create(account_id=account)
    assert first is not None
    assert second is not None
    assert second.intent_type == "setup_intent"
    until(lambda: fleet.object_at_stripe(setup_of(first.client_secret))["status"] == "canceled")
    debit = fleet.at_stripe(
        "payment_methods", **{"type": "sepa_debit", "sepa_debit[iban]": "AT611904300234573201"}
    )
    fleet.at_stripe(
        f"setup_intents/{setup_of(second.client_secret)}/confirm",
        payment_method=debit["id"],
        **{"mandate_data[customer_acceptance][type]": "offline"},
    )
    until(lambda: len(list(client.accounts.payment_methods.list(account_id=account))) == 2)


def test_an_agreement_that_its_payer_revokes_flips_the_collection_back(fleet: LocalFleet) -> None:
    """Revoke is pressed on the double's page; the signed webhook does the rest, and nothing is out of step then."""
    account, reference = REVOKED, card(fleet)
    visa = added(fleet, account, type="CREDIT_CARD", payment_nonce=reference)
    paypal = added(fleet, account, type="PAYPAL", payment_nonce=fleet.nonce(), device_data="{}")
    customer = until(lambda: customer_of(fleet, account))
    until(lambda: default_at_stripe(fleet, account) == reference)
    subscription = subscribed(fleet, customer)
    until(lambda: collected(fleet, account, subscription) == ("send_invoice", True))
    assert fleet.object_at_stripe(subscription)["collection_method"] == "send_invoice"

    token = paypal["id"]
    page = httpx.post(
        f"{fleet.env['BRAINTREE_SANDBOX_URL']}/act",
        data={"what": "revoke", "token": token},
        follow_redirects=True,
    )
    assert "payment_method_revoked_by_customer" in page.raise_for_status().text

    until(lambda: [one["id"] for one in fleet.asked(account, "GET", "payment-methods")] == [visa["id"]])
    until(lambda: collected(fleet, account, subscription) == ("charge_automatically", True))
    assert fleet.object_at_stripe(subscription)["collection_method"] == "charge_automatically"
    assert state_of(fleet, token) == "revoked"
    until(lambda: token not in fleet.in_vault())
    until(lambda: asyncio.run(looked_at(fleet, account)))
    assert account not in drift(fleet, "report")


def client_of(fleet: LocalFleet) -> Cloudflare:
    """The public API's own client."""
    return Cloudflare(
        base_url=f"{fleet.env['DASHBOARD_URL']}/client/v4", api_token=fleet.env["DASHBOARD_TOKEN"]
    )


def added(fleet: LocalFleet, account: str, **method: str) -> dict[str, Any]:
    """What the customer is answered who adds a method."""
    found: dict[str, Any] = fleet.asked(account, "POST", "payment-methods", method)
    return found


def card(fleet: LocalFleet) -> str:
    """A payment method of Stripe, as its page makes one."""
    return str(fleet.at_stripe("payment_methods", **{"type": "card", "card[token]": "tok_visa"})["id"])


def setup_of(secret: str | None) -> str:
    """The setup intent that a client secret is of."""
    assert secret is not None
    return secret.partition("_secret")[0]


def customer_of(fleet: LocalFleet, account: str) -> str | None:
    """The account's customer at Stripe, once there is one."""
    found = fleet.internal(account, "billing-state")["stripe_customer"]
    return found["customer_id"] if found else None


def default_at_stripe(fleet: LocalFleet, account: str) -> str:
    """The method that Stripe charges first."""
    customer = customer_of(fleet, account)
    assert customer is not None
    return str(fleet.object_at_stripe(customer)["invoice_settings"]["default_payment_method"])


def subscribed(fleet: LocalFleet, customer: str) -> str:
    """The customer subscribes at Stripe; gives the subscription's id."""
    recurring = {"currency": "usd", "unit_amount": 2000, "recurring[interval]": "month"}
    price = fleet.at_stripe("prices", **recurring, **{"product_data[name]": "Pro"})
    made = fleet.at_stripe("subscriptions", **{"items[0][price]": price["id"], "customer": customer})
    assert made["collection_method"] == "charge_automatically"
    return str(made["id"])


def collected(fleet: LocalFleet, account: str, subscription: str) -> tuple[str, bool] | None:
    """How the account's subscriptions shall be collected, and whether Stripe agrees about this one."""
    shown = fleet.internal(account, "collection-method")
    agrees = {one["subscription"]: one["agrees"] for one in shown["subscriptions"]}
    return (shown["collection_method"], agrees[subscription]) if subscription in agrees else None


def state_of(fleet: LocalFleet, method: str) -> str:
    """Where a method stands, be it a tombstone."""

    async def read() -> str:
        connection = await connect(fleet.env["DATABASE_URL"], name="test")
        try:
            return str(await connection.fetchval("SELECT state FROM payment_methods WHERE id = $1", method))
        finally:
            await connection.close()

    return asyncio.run(read())


async def looked_at(fleet: LocalFleet, account: str) -> bool:
    """Whether nothing is on its way to a processor any more; both were looked at then, and agree with us."""
    redis = connect_redis(fleet.env["REDIS_URL"])
    stripe = stripe_at(fleet.env["SANDBOX_URL"], redis)
    braintree = braintree_at(fleet.env["BRAINTREE_SANDBOX_URL"], redis)
    member = Sweeper(
        Processors(stripe, braintree), dsn=fleet.env["DATABASE_URL"], worker="test", settings=ON_DEMAND
    )
    try:
        counts = Counts()
        before = (await member.examination.known([account]))[account]
        differences = await member.examination.examine(account, counts)
        after = (await member.examination.known([account]))[account]
        if before.busy or after.busy:
            return False
        assert after.vaulted, "else nobody looks at Braintree"
        assert (differences, counts.calls) == (0, CLOSE_LOOK)
        return True
    finally:
        await member.close()
        await stripe.close()
        await braintree.close()
        await redis.aclose()


def drift(fleet: LocalFleet, *words: str) -> str:
    """What `fleet drift ...` says."""
    said = CliRunner().invoke(main, ["drift", *words], env=fleet.env)
    assert said.exit_code == 0, said.output
    return said.output
