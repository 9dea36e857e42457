"""Searching transactions: by order, customer, payer, status, amount, and when they came into a status."""

from collections.abc import Callable
from operator import itemgetter

from sandbox.braintree import search, transaction_store
from sandbox.braintree.store import Body, Store
from sandbox.braintree.xml import Page

MOST = 50_000
"""No search finds more: .../docs/reference/general/searching/search-results."""


def _when(status: str) -> Callable[[Body], list[str]]:
    """The times at which a transaction came into a status."""
    return lambda body: [one["timestamp"] for one in body["status_history"] if one["status"] == status]


FIELDS: search.Fields = {
    **{
        name: itemgetter(name)
        for name in (
            *("id", "order_id", "status", "type", "amount", "created_at", "merchant_account_id"),
            *("payment_instrument_type", "processor_authorization_code"),
        )
    },
    "ids": itemgetter("id"),
    "currency": itemgetter("currency_iso_code"),
    "refund": lambda body: body["refunded_transaction_id"] is not None,
    "customer_id": lambda body: body["customer"]["id"],
    "customer_email": lambda body: body["customer"]["email"],
    "payment_method_token": lambda body: body["credit_card"]["token"],
    "paypal_payer_email": lambda body: body.get("paypal", {}).get("payer_email"),
    "paypal_payment_id": lambda body: body.get("paypal", {}).get("payment_id"),
    "paypal_authorization_id": lambda body: body.get("paypal", {}).get("authorization_id"),
    "authorized_at": _when("authorized"),
    "submitted_for_settlement_at": _when("submitted_for_settlement"),
    "settled_at": _when("settled"),
    "voided_at": _when("voided"),
    "failed_at": _when("failed"),
    "processor_declined_at": _when("processor_declined"),
    "gateway_rejected_at": _when("gateway_rejected"),
    "authorization_expired_at": _when("authorization_expired"),
}


def ids(store: Store, criteria: Body) -> Body:
    """The ids of the transactions that match, newest first. Raises Refusal."""
    exact = {name: value for name in transaction_store.INDEXED if (value := search.exactly(criteria, name))}
    return search.ids(transaction_store.newest(store, exact), criteria, FIELDS, most=MOST)


def page(store: Store, criteria: Body) -> Page:
    """The transactions among the ids asked for. Raises Refusal."""
    found = (transaction_store.find(store, id_) for id_ in search.wanted_ids(criteria))
    return Page("transaction", search.page([one.body for one in found if one], criteria, FIELDS))
