"""Word of Braintree about a token reaches the account that pays with it, whatever customer the token is on."""

from base64 import encodebytes
from typing import Any

import orjson

from consumers.webhook_facts import sort, understand
from consumers.webhook_reading import Told, read
from sandbox.braintree import xml
from topics.message import Record
from topics.payment_methods import BraintreeMethodObserved
from topics.paypal_migrations import PayPalCharged
from topics.table import BRAINTREE_WEBHOOKS

ACCOUNT, OTHER = "a" * 32, "b" * 32


def kept(kind: str, subject: dict[str, Any]) -> Record:
    """A webhook as the entry point keeps it."""
    body = xml.write("notification", {"timestamp": "2026-11-24T09:30:15Z", "kind": kind, "subject": subject})
    value = orjson.dumps({"bt_payload": encodebytes(body).decode()})
    headers = (("wh_id", b"n1"), ("wh_type", kind.encode()))
    return Record(BRAINTREE_WEBHOOKS.name, 0, 0, 0, b"customer", value, headers)


def revoked(customer: str, token: str = "f28w") -> Record:
    return kept(
        "payment_method_revoked_by_customer", {"paypal_account": {"token": token, "customer_id": customer}}
    )


def told(record: Record) -> Told:
    found = read(record)
    assert isinstance(found, Told)
    return found


def addressed(record: Record, *, holders: dict[str, list[str]], payers: dict[str, list[str]]) -> list[str]:
    found = sort(understand([record]).told, holders, payers)
    return [one.envelope.account_id for one in found.facts]


def test_a_revocation_reaches_the_account_of_its_customer() -> None:
    assert addressed(revoked(ACCOUNT), holders={ACCOUNT: [ACCOUNT]}, payers={}) == [ACCOUNT]


def test_a_revocation_on_an_older_customer_reaches_whoever_pays_with_the_token() -> None:
    assert addressed(revoked("old-1"), holders={}, payers={"f28w": [ACCOUNT]}) == [ACCOUNT]


def test_whoever_pays_with_the_token_comes_before_the_customer_it_is_on() -> None:
    holders, payers = {OTHER: [OTHER]}, {"f28w": [ACCOUNT]}
    assert addressed(revoked(OTHER), holders=holders, payers=payers) == [ACCOUNT]


def test_one_on_a_customer_that_can_not_be_ours_waits_for_its_token() -> None:
    assert told(revoked("old-1")).owner == "f28w"
    assert told(revoked(ACCOUNT)).owner == ACCOUNT


def test_a_payment_that_was_settled_is_told_of_its_token() -> None:
    subject = {"transaction": {"id": "t1", "customer": {"id": ACCOUNT}, "paypal": {"token": "f28w"}}}
    fact = told(kept("transaction_settled", subject)).fact
    assert isinstance(fact, PayPalCharged)
    assert fact.reference == "f28w"


def test_what_concerns_no_token_of_ours_is_ignored() -> None:
    subject = {"transaction": {"id": "t1", "customer": {"id": ACCOUNT}}}
    assert told(kept("transaction_settled", subject)).fact is None
    assert told(kept("check", {"check": True})).fact is None


def test_a_revocation_is_the_fact_that_it_was() -> None:
    fact = told(revoked(ACCOUNT)).fact
    assert isinstance(fact, BraintreeMethodObserved)
    assert (fact.reference, fact.revoked) == ("f28w", True)
