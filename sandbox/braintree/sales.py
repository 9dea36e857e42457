"""Sales: who pays, whether it is asked for twice, what the processor says; charged or declined, it is kept.

Sources: developer.paypal.com/braintree/docs/reference/general/testing (amounts that decide the answer),
developer.paypal.com/braintree/articles/control-panel/transactions/duplicate-checking.
"""

from decimal import Decimal

from sandbox.braintree import agreements, errors, instruments, nonces, settlement, transaction_store
from sandbox.braintree.processor_responses import Response, response
from sandbox.braintree.store import CUSTOMER, METHOD, Body, Store
from sandbox.braintree.transaction_requests import MERCHANT_ACCOUNTS, Sale
from sandbox.braintree.transaction_shape import Facts, made
from sandbox.braintree.transaction_store import Kept

APPLICATION_INCOMPLETE, PAYPAL_DECLINES = Decimal("5001.00"), Decimal("5001.01")
FIRST_DECLINE, NETWORK_DOWN, NO_MORE = 2000, 3000, 3001


def sell(store: Store, asked: Sale, at: float, *, duplicates: float) -> Body:
    """The transaction that came of it, whatever its status. Raises Invalid, and then there is none.

    `duplicates`: for how many seconds an equal sale is refused; 0 for never.
    """
    method = _method(store, asked, at)
    status, answer, reason = _verdict(store, asked, method, at, duplicates)
    body = made(_facts(store, asked, method, status=status, answer=answer, rejection=reason), at)
    kept = settlement.authorized(Kept(body, _instrument(method), at), at)
    transaction_store.put(store, kept)
    store.record(f"transaction.{status}", body["id"])
    return settlement.submit(store, kept, at) if asked.submit and status == "authorized" else body


def succeeded(body: Body) -> bool:
    """Whether the gateway calls it a success: it was authorized, whatever became of its settlement."""
    return body["status"] not in ("processor_declined", "gateway_rejected", "failed")


def message(body: Body) -> str:
    """What the gateway says of a sale that did not succeed."""
    if reason := body["gateway_rejection_reason"]:
        return f"Gateway Rejected: {reason}"
    return str(body["processor_response_text"])


def _verdict(
    store: Store, asked: Sale, method: Body, at: float, duplicates: float
) -> tuple[str, Response | None, str | None]:
    """The status, the processor's answer if it was asked, and why the gateway did not ask it."""
    if asked.amount == APPLICATION_INCOMPLETE:
        return "gateway_rejected", None, "application_incomplete"
    like = {"amount": f"{asked.amount:.2f}", "order_id": asked.order_id, "instrument": _instrument(method)}
    if duplicates and transaction_store.alike(store, **like, since=at - duplicates):  # type: ignore[arg-type]
        return "gateway_rejected", None, "duplicate"
    answer = response(_code(store, asked.amount, method))
    status = {"1": "authorized", "2": "processor_declined", "3": "failed"}[answer.code[0]]
    return status, answer, None


def _code(store: Store, amount: Decimal, method: Body) -> str:
    """What the processor answers: by the amount in the sandbox, else by what PayPal thinks of the agreement."""
    paypal = method["kind"] == "paypal_account"
    if FIRST_DECLINE <= amount < NO_MORE:
        return str(int(amount))
    if amount == PAYPAL_DECLINES and paypal:
        return "2038"
    if paypal and not method.get("one_time"):
        known = agreements.REVOKED if method["revoked_at"] else None
        return known or agreements.declines(store, method["billing_agreement_id"]) or "1000"
    return str(method.get("declined") or "1000")


def _method(store: Store, asked: Sale, at: float) -> Body:
    """What pays: the method under the token, what a nonce stands for, or the customer's default."""
    if asked.customer_id and store.find(CUSTOMER, asked.customer_id) is None:
        raise errors.on_transaction("customer")
    if asked.nonce:
        found = _behind(store, asked.nonce, at)
    elif asked.token:
        found = store.find(METHOD, asked.token) or _raise("token")
    elif asked.customer_id:
        owned = store.all(METHOD, owner=asked.customer_id)
        default = [one for one in owned if one["default"]]
        found = default[0] if default else _raise("customer_without_method")
    else:
        raise errors.on_transaction("instrument_required")
    if asked.customer_id and found.get("customer_id") not in (None, asked.customer_id):
        raise errors.on_transaction("not_the_customers")
    return found


def _behind(store: Store, nonce: str, at: float) -> Body:
    unknown, consumed = errors.on_transaction("nonce_unknown"), errors.on_transaction("nonce_consumed")
    meant = nonces.spent(store, nonce, at, unknown=unknown, consumed=consumed)
    match meant["type"]:
        case nonces.VAULTED:
            return store.find(METHOD, meant["token"]) or _raise("nonce_unknown")
        case nonces.CARD:
            return {**instruments.card(meant, "", at), "token": None, "declined": meant.get("declined")}
        case nonces.ONE_TIME:
            once = instruments.paypal({**meant, "billing_agreement_id": None}, "", at)
            return {**once, "token": None, "one_time": True}
    return {**instruments.paypal(meant, "", at), "token": None}


def _raise(what: str) -> Body:
    raise errors.on_transaction(what)


def _instrument(method: Body) -> str:
    """Whom the check for duplicates takes for the same payer."""
    if method["kind"] == "paypal_account":
        return f"paypal {method['email']}"
    ends = f"{method['expiration_month']}/{method['expiration_year']}"
    return f"card {method['unique_number_identifier']} {ends}"


def _facts(
    store: Store, asked: Sale, method: Body, *, status: str, answer: Response | None, rejection: str | None
) -> Facts:
    owner = asked.customer_id or method.get("customer_id")
    return Facts(
        type="sale",
        amount=asked.amount,
        currency=MERCHANT_ACCOUNTS[asked.merchant_account],
        merchant_account=asked.merchant_account,
        order_id=asked.order_id,
        customer=store.find(CUSTOMER, owner) if owner else None,
        method=method,
        status=status,
        answer=answer,
        recurring=asked.recurring,
        rejection=rejection,
    )
