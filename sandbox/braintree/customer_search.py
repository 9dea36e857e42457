"""Searching customers: by their names and ids, when they were made, and by the methods they have."""

from operator import itemgetter

from sandbox.braintree import customers, search
from sandbox.braintree.store import CUSTOMER, Body, Store
from sandbox.braintree.xml import Page

MOST = 10_000
"""No search finds more: .../docs/reference/general/searching/search-results. Who wants all goes by `created_at`."""
FIELDS: search.Fields = {
    **{name: itemgetter(name) for name in ("id", "created_at", *customers.NAMED)},
    "ids": itemgetter("id"),
    "payment_method_token": lambda body: [one["token"] for one in _methods(body)],
    "paypal_account_email": lambda body: [one["email"] for one in body.get("paypal_accounts", [])],
}
_OF_METHODS = {"payment_method_token", "paypal_account_email"}


def ids(store: Store, criteria: Body) -> Body:
    """The ids of the customers that match, newest first. Raises Refusal."""
    found = store.all(CUSTOMER)[::-1]
    if set(criteria) & _OF_METHODS:
        found = [customers.shown(store, one) for one in found]
    return search.ids(found, criteria, FIELDS, most=MOST)


def page(store: Store, criteria: Body) -> Page:
    """The customers among the ids asked for, with their methods. Raises Refusal."""
    found = (store.find(CUSTOMER, id_) for id_ in search.wanted_ids(criteria))
    known = [customers.shown(store, one) for one in found if one]
    return Page("customer", search.page(known, criteria, FIELDS))


def _methods(body: Body) -> list[Body]:
    return [*body["credit_cards"], *body.get("paypal_accounts", [])]
