"""Refunds: money back of a sale that is settled or settling, in one piece or in several, never more than it was."""

from decimal import Decimal

from sandbox.braintree import errors, settlement, transaction_store
from sandbox.braintree.processor_responses import response
from sandbox.braintree.spelling import global_id
from sandbox.braintree.store import CUSTOMER, Body, Store
from sandbox.braintree.transaction_shape import Facts, made
from sandbox.braintree.transaction_store import Kept

REFUNDABLE = ("settled", "settling")
NO_LONGER = ("voided", "settlement_declined", "processor_declined", "failed")


def refund(store: Store, sale: Kept, at: float, *, amount: Decimal | None, order_id: str | None) -> Body:
    """A transaction of type credit; all that is left when no amount is given. Raises Invalid."""
    left = _left(store, sale)
    wanted = left if amount is None else amount
    if wanted > left:
        raise errors.on_transaction("refund_amount")
    body = made(_facts(store, sale.body, wanted, order_id), at)
    kept = Kept(body, f"refund {sale.instrument}", at)
    store.record("transaction.refunded", sale.body["id"])
    _note(store, sale, body["id"])
    return settlement.captured(store, kept, at)


def _left(store: Store, sale: Kept) -> Decimal:
    """What can still be given back, more than nothing."""
    if sale.body["type"] == "credit":
        raise errors.on_transaction("refund_credit")
    if sale.body["status"] not in REFUNDABLE:
        raise errors.on_transaction("refund_unsettled")
    given = (transaction_store.find(store, id_) for id_ in sale.body["refund_ids"])
    back = [Decimal(one.body["amount"]) for one in given if one and one.body["status"] not in NO_LONGER]
    left = Decimal(sale.body["amount"]) - sum(back, Decimal(0))
    if left <= 0:
        raise errors.on_transaction("refunded")
    return left


def _note(store: Store, sale: Kept, refund_id: str) -> None:
    ids = [*sale.body["refund_ids"], refund_id]
    global_ids = [global_id("transaction", one) for one in ids]
    told = {"refund_id": ids[0], "refund_ids": ids, "refund_global_ids": global_ids}
    transaction_store.put(store, Kept({**sale.body, **told}, sale.instrument, sale.created, sale.due))


def _facts(store: Store, sale: Body, amount: Decimal, order_id: str | None) -> Facts:
    owner = sale["customer"]["id"]
    return Facts(
        type="credit",
        amount=amount,
        currency=sale["currency_iso_code"],
        merchant_account=sale["merchant_account_id"],
        order_id=order_id or sale["order_id"],
        customer=store.find(CUSTOMER, owner) if owner else None,
        method=_method(sale),
        status="submitted_for_settlement",
        answer=response("1002"),
        refunded=sale["id"],
    )


def _method(sale: Body) -> Body:
    """What paid, as the sale remembers it: the vault may have let it go since."""
    if "paypal" not in sale:
        return {**sale["credit_card"], "kind": "credit_card"}
    paypal = sale["paypal"]
    payer = {name: paypal[f"payer_{name}"] for name in ("id", "first_name", "last_name", "phone")}
    return {
        "kind": "paypal_account",
        "token": paypal["token"],
        "email": paypal["payer_email"],
        "billing_agreement_id": paypal["billing_agreement_id"],
        "payer_info": {**payer, "payer_id": payer["id"]},
    }
