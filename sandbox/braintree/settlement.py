"""From authorized to settled: submitting, voiding, and what the processor makes of it in time.

PayPal captures at once when a sale is submitted, so that it is settling, or declined, in the same answer; cards
wait for the next batch. Sources: developer.paypal.com/braintree/articles/guides/payment-methods/paypal/processing,
.../docs/reference/general/statuses, .../docs/reference/general/testing (4001 and above).
"""

import secrets
from dataclasses import replace
from decimal import Decimal

from sandbox.braintree import errors, transaction_store
from sandbox.braintree.processor_responses import RESPONSES, response
from sandbox.braintree.spelling import moment
from sandbox.braintree.store import Body, Store
from sandbox.braintree.transaction_shape import event
from sandbox.braintree.transaction_store import Kept

DAY = 86_400.0
EXPIRES = {"paypal_account": 29 * DAY, "credit_card": 7 * DAY}
SETTLES = {"paypal_account": 3_600.0, "credit_card": DAY}
"""Seconds from submission to the end of settlement; where Braintree names none, some that are like it."""
PENDING_CODE, SETTLED_CODE, DECLINED_CODE = "4002", "4000", "4001"
SUBMITTED = ("submitted_for_settlement", "settling", "settlement_pending")
VOIDABLE = ("authorized", "submitted_for_settlement", "settlement_pending")
FIRST_OUTCOME, NO_OUTCOME = 4001, 5001


def authorized(kept: Kept, at: float) -> Kept:
    """A new authorization with the moment at which it ends; anything else as it is."""
    if kept.body["status"] != "authorized":
        return kept
    expires = at + EXPIRES[kept.body["payment_instrument_type"]]
    return replace(kept, body={**kept.body, "authorization_expires_at": moment(expires)}, due=expires)


def submit(store: Store, kept: Kept, at: float, amount: Decimal | None = None) -> Body:
    """Takes the money, all that was authorized or less. Raises Invalid."""
    body = kept.body
    if body["status"] != "authorized":
        raise errors.on_transaction("submit")
    if amount is not None and amount > Decimal(body["amount"]):
        raise errors.on_transaction("submit_amount")
    if amount is not None:
        body = {**body, "amount": f"{amount:.2f}"}
    store.record("transaction.submitted_for_settlement", body["id"])
    return captured(store, replace(kept, body=body), at)


def captured(store: Store, kept: Kept, at: float) -> Body:
    """Submitted for settlement; PayPal answers at once what it makes of it."""
    later = at + SETTLES[kept.body["payment_instrument_type"]]
    kept = _moved(kept, "submitted_for_settlement", at, due=later)
    if "paypal" in kept.body:
        code = _outcome(kept.body)
        if code != SETTLED_CODE:
            return finish(store, kept, code, at)
        kept = _moved(kept, "settling", at, due=later, paypal=_capture(kept.body))
    transaction_store.put(store, kept)
    return kept.body


def void(store: Store, kept: Kept, at: float) -> Body:
    """Gives up an authorization, or a submission that no batch has taken yet. Raises Invalid."""
    if kept.body["status"] not in VOIDABLE:
        raise errors.on_transaction("void")
    kept = _moved(kept, "voided", at)
    store.record("transaction.voided", kept.body["id"])
    transaction_store.put(store, kept)
    return kept.body


def finish(store: Store, kept: Kept, code: str, at: float) -> Body:
    """The end of settlement with this answer: settled, pending or declined. Raises Invalid if it was not submitted."""
    if kept.body["status"] not in SUBMITTED or code not in RESPONSES or not code.startswith("4"):
        raise errors.on_transaction("simulate")
    status = {SETTLED_CODE: "settled", PENDING_CODE: "settlement_pending"}.get(code, "settlement_declined")
    answer = response(code)
    kept = _moved(
        kept,
        status,
        at,
        processor_settlement_response_code=answer.code,
        processor_settlement_response_text=answer.text,
    )
    store.record(f"transaction.{status}", kept.body["id"])
    transaction_store.put(store, kept)
    return kept.body


def run(store: Store, now: float) -> int:
    """What time has brought: ends of settlement, authorizations that nobody took; how many that were."""
    ready = transaction_store.due(store, now)
    for kept in ready:
        moved_at = kept.due or now
        if kept.body["status"] == "authorized":
            transaction_store.put(store, _moved(kept, "authorization_expired", moved_at))
        else:
            finish(store, kept, _outcome(kept.body), moved_at)
    return len(ready)


def _outcome(body: Body) -> str:
    """How settlement ends: only PayPal refuses any, by the amount."""
    amount = Decimal(body["amount"])
    if "paypal" not in body or not FIRST_OUTCOME <= amount < NO_OUTCOME:
        return SETTLED_CODE
    code = str(int(amount))
    return code if code in RESPONSES else DECLINED_CODE


def _capture(body: Body) -> Body:
    if body["type"] == "credit":
        return {**body["paypal"], "refund_id": f"REFUND-{secrets.token_hex(8).upper()}"}
    fee = {"transaction_fee_amount": "0.01", "transaction_fee_currency_iso_code": body["currency_iso_code"]}
    return {**body["paypal"], "capture_id": f"CAPTURE-{secrets.token_hex(8).upper()}", **fee}


def _moved(kept: Kept, status: str, at: float, *, due: float | None = None, **changes: object) -> Kept:
    """The transaction in another status, with a line in its history."""
    body = kept.body
    history = [*body["status_history"]]
    if status != body["status"]:
        history.append(event(status, body["amount"], at))
    moved = {**body, **changes, "status": status, "updated_at": moment(at), "status_history": history}
    return replace(kept, body=moved, due=due)
