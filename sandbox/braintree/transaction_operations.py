"""What the gateway can be asked about transactions; a sale that did not succeed is kept and answered with 422."""

from sandbox.braintree import (
    refunds,
    sales,
    settlement,
    transaction_requests,
    transaction_search,
    transaction_store,
)
from sandbox.braintree.errors import Refusal
from sandbox.braintree.operation import Ids, Result, Run, params
from sandbox.braintree.store import Body
from sandbox.braintree.transaction_store import Kept
from sandbox.braintree.world import World

OUTCOMES = {
    "settle": settlement.SETTLED_CODE,
    "settlement_confirm": settlement.SETTLED_CODE,
    "settlement_decline": settlement.DECLINED_CODE,
    "settlement_pending": settlement.PENDING_CODE,
}
"""How the SDK's testing gateway, which only a sandbox has, ends a settlement."""


def _sell(world: World, _: Ids, sent: Body) -> Result:
    asked = transaction_requests.sale(sent.get("transaction") or {})
    body = sales.sell(world.store, asked, world.now(), duplicates=world.duplicates)
    if sales.succeeded(body):
        return 201, "transaction", body
    told = {"errors": {"errors": []}, "params": params(sent), "message": sales.message(body)}
    return 422, "api_error_response", {**told, "transaction": body}


def _find(world: World, ids: Ids, _: Body) -> Result:
    return 200, "transaction", _kept(world, ids).body


def _submit(world: World, ids: Ids, sent: Body) -> Result:
    given = sent.get("transaction") or {}
    amount = transaction_requests.amount(given["amount"]) if given.get("amount") else None
    return 200, "transaction", settlement.submit(world.store, _kept(world, ids), world.now(), amount)


def _void(world: World, ids: Ids, _: Body) -> Result:
    return 200, "transaction", settlement.void(world.store, _kept(world, ids), world.now())


def _refund(world: World, ids: Ids, sent: Body) -> Result:
    given = sent.get("transaction") or {}
    amount = transaction_requests.amount(given["amount"]) if given.get("amount") else None
    order_id = transaction_requests.order_id(given)
    sale = _kept(world, ids)
    return (
        201,
        "transaction",
        refunds.refund(world.store, sale, world.now(), amount=amount, order_id=order_id),
    )


def _finish(world: World, ids: Ids, _: Body) -> Result:
    code = OUTCOMES[ids["outcome"]]
    return 200, "transaction", settlement.finish(world.store, _kept(world, ids), code, world.now())


def _search(world: World, _: Ids, sent: Body) -> Result:
    return 200, "search_results", transaction_search.ids(world.store, sent.get("search") or {})


def _page(world: World, _: Ids, sent: Body) -> Result:
    return 200, "credit_card_transactions", transaction_search.page(world.store, sent.get("search") or {})


def _kept(world: World, ids: Ids) -> Kept:
    found = transaction_store.find(world.store, ids["id"])
    if found is None:
        raise Refusal(404)
    return found


_ONE = r"/transactions/(?P<id>[^/]+)"
ROUTES: list[tuple[str, str, Run]] = [
    ("POST", "/transactions", _sell),
    ("POST", "/transactions/advanced_search_ids", _search),
    ("POST", "/transactions/advanced_search", _page),
    ("GET", _ONE, _find),
    ("PUT", f"{_ONE}/submit_for_settlement", _submit),
    ("PUT", f"{_ONE}/void", _void),
    ("POST", f"{_ONE}/refund", _refund),
    ("PUT", f"{_ONE}/(?P<outcome>{'|'.join(OUTCOMES)})", _finish),
]
