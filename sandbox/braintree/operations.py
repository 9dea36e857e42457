"""What the gateway can be asked: a method and a path each, and the answer as status, element and value."""

import re

from sandbox.braintree import customer_search, customers, nonces, transaction_operations, vault
from sandbox.braintree.client_token import client_token
from sandbox.braintree.errors import Refusal
from sandbox.braintree.operation import Ids, Result, Run
from sandbox.braintree.store import Body
from sandbox.braintree.world import MERCHANT, World

_ANY = r"/payment_methods/(?:any|paypal_account|credit_card)/(?P<token>[^/]+)"
_CUSTOMER = r"/customers/(?P<id>[^/]+)"


def _create_customer(world: World, _: Ids, sent: Body) -> Result:
    return 201, "customer", customers.create(world.store, sent.get("customer") or {}, world.now())


def _find_customer(world: World, ids: Ids, _: Body) -> Result:
    return 200, "customer", customers.find(world.store, ids["id"])


def _update_customer(world: World, ids: Ids, sent: Body) -> Result:
    given = sent.get("customer") or {}
    return 200, "customer", customers.update(world.store, ids["id"], given, world.now())


def _delete_customer(world: World, ids: Ids, _: Body) -> Result:
    customers.delete(world.store, ids["id"])
    return None


def _search_customers(world: World, _: Ids, sent: Body) -> Result:
    return 200, "search_results", customer_search.ids(world.store, sent.get("search") or {})


def _page_of_customers(world: World, _: Ids, sent: Body) -> Result:
    return 200, "customers", customer_search.page(world.store, sent.get("search") or {})


def _create_method(world: World, _: Ids, sent: Body) -> Result:
    return 201, *vault.create_method(world.store, sent.get("payment_method") or {}, world.now())


def _find_method(world: World, ids: Ids, _: Body) -> Result:
    return 200, *vault.find_method(world.store, ids["token"])


def _update_method(world: World, ids: Ids, sent: Body) -> Result:
    given = sent.get("payment_method") or sent.get("paypal_account") or sent.get("credit_card") or {}
    return 200, *vault.update_method(world.store, ids["token"], given, world.now())


def _delete_method(world: World, ids: Ids, _: Body) -> Result:
    vault.delete_method(world.store, ids["token"])
    return None


def _nonce_of_method(world: World, ids: Ids, _: Body) -> Result:
    return 201, "payment_method_nonce", nonces.of_method(world.store, ids["token"], world.now())


def _find_nonce(world: World, ids: Ids, _: Body) -> Result:
    return 200, "payment_method_nonce", nonces.shown(world.store, ids["nonce"])


def _client_token(world: World, _: Ids, sent: Body) -> Result:
    return 201, "client_token", client_token(sent.get("client_token") or {}, MERCHANT)


def _compiled(*routes: tuple[str, str, Run]) -> list[tuple[str, re.Pattern[str], Run]]:
    return [(method, re.compile(path), run) for method, path, run in routes]


_ROUTES = _compiled(
    ("POST", "/customers", _create_customer),
    ("POST", "/customers/advanced_search_ids", _search_customers),
    ("POST", "/customers/advanced_search", _page_of_customers),
    ("GET", _CUSTOMER, _find_customer),
    ("PUT", _CUSTOMER, _update_customer),
    ("DELETE", _CUSTOMER, _delete_customer),
    ("POST", "/payment_methods", _create_method),
    ("GET", _ANY, _find_method),
    ("PUT", _ANY, _update_method),
    ("DELETE", _ANY, _delete_method),
    ("POST", r"/payment_methods/(?P<token>[^/]+)/nonces", _nonce_of_method),
    ("GET", r"/payment_method_nonces/(?P<nonce>[^/]+)", _find_nonce),
    ("POST", "/client_token", _client_token),
    *transaction_operations.ROUTES,
)


def routed(method: str, path: str) -> tuple[Run, Ids]:
    """What answers this request, and the ids in its path. Raises Refusal (404)."""
    rest = path.removeprefix(f"/merchants/{MERCHANT}").removeprefix(f"/{MERCHANT}")
    for wanted, pattern, run in _ROUTES:
        if wanted == method and (found := pattern.fullmatch(rest)):
            return run, found.groupdict()
    raise Refusal(404)
