"""What a request for a transaction asks for, checked as the gateway checks it before it does anything."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from sandbox.braintree import errors
from sandbox.braintree.errors import Refusal
from sandbox.braintree.store import Body

MERCHANT_ACCOUNTS = {"sandbox_usd": "USD", "sandbox_eur": "EUR", "sandbox_gbp": "GBP"}
"""The accounts that money goes to, each with its currency; the first is the default."""
SOURCES = (
    "recurring",
    "recurring_first",
    "unscheduled",
    "installment",
    "installment_first",
    "moto",
    "merchant",
)
MOST = Decimal("9999999999.99")
LONGEST_ORDER_ID = 255
_FIELDS = """
accept_partial_authorization amount api_request_key android_pay_card apple_pay_card billing billing_address_id
credit_card customer customer_id custom_fields channel descriptor device_data device_session_id
discount_amount exchange_rate_quote_id external_vault foreign_retailer fraud_merchant_id industry installments
line_items merchant_account_id options order_id payment_method_nonce payment_method_token
processing_merchant_category_code product_sku purchase_order_number paypal_account recurring risk_data
sca_exemption shared_customer_id shared_billing_address_id shared_payment_method_nonce
shared_payment_method_token shared_shipping_address_id shipping shipping_address_id shipping_amount
shipping_tax_amount ships_from_postal_code surcharge_amount tax_amount tax_exempt
three_d_secure_authentication_id three_d_secure_pass_thru three_d_secure_token payment_facilitator
transaction_source transfer type venmo_sdk_payment_method_code us_bank_account
"""
_KNOWN = frozenset(_FIELDS.split())


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale as it was asked for: one of `token`, `nonce` and `customer_id` says by what it is paid."""

    amount: Decimal
    order_id: str | None
    customer_id: str | None
    token: str | None
    nonce: str | None
    merchant_account: str
    submit: bool
    recurring: bool


def sale(given: Body) -> Sale:
    """The sale that is asked for. Raises Invalid, or Refusal (403) for a field that no transaction has."""
    if unknown := set(given) - _KNOWN:
        raise Refusal(403, f"Unauthorized: {', '.join(sorted(unknown))}")
    _check_type(given)
    options = given.get("options") or {}
    _check_support(given, options)
    source = given.get("transaction_source")
    if source and source not in SOURCES:
        raise errors.on_transaction("transaction_source")
    if given.get("payment_method_token") and given.get("payment_method_nonce"):
        raise errors.on_transaction("payment_method_conflict")
    return Sale(
        amount=amount(given.get("amount")),
        order_id=order_id(given),
        customer_id=given.get("customer_id") or None,
        token=given.get("payment_method_token") or None,
        nonce=given.get("payment_method_nonce") or None,
        merchant_account=_merchant_account(given),
        submit=_true(options.get("submit_for_settlement")),
        recurring=_true(given.get("recurring")) or str(source).startswith(("recurring", "unscheduled")),
    )


def amount(given: object) -> Decimal:
    """Money in major units, two digits behind the point. Raises Invalid."""
    if given in (None, ""):
        raise errors.on_transaction("amount_required")
    try:
        value = Decimal(str(given))
    except InvalidOperation:
        raise errors.on_transaction("amount_format") from None
    if not value.is_finite() or value != value.quantize(Decimal("0.01")):
        raise errors.on_transaction("amount_format")
    if value <= 0:
        raise errors.on_transaction("amount_negative" if value < 0 else "amount_zero")
    if value > MOST:
        raise errors.on_transaction("amount_large")
    return value.quantize(Decimal("0.01"))


def order_id(given: Body) -> str | None:
    """The merchant's own name of the order. Raises Invalid."""
    named = given.get("order_id") or None
    if named and len(str(named)) > LONGEST_ORDER_ID:
        raise errors.on_transaction("order_id_long")
    return str(named) if named else None


def _check_type(given: Body) -> None:
    match given.get("type"):
        case "sale":
            return
        case "credit":
            raise errors.on_transaction("credits")
        case None | "":
            raise errors.on_transaction("type_required")
    raise errors.on_transaction("type_invalid")


def _check_support(given: Body, options: Body) -> None:
    """What this double does not do is refused with the code of a merchant who may not, never ignored."""
    if given.get("api_request_key"):
        raise errors.on_transaction("api_request_key")
    if _true(options.get("store_in_vault")) or _true(options.get("store_in_vault_on_success")):
        raise errors.on_transaction("vault_disabled")


def _merchant_account(given: Body) -> str:
    named = given.get("merchant_account_id") or next(iter(MERCHANT_ACCOUNTS))
    if named not in MERCHANT_ACCOUNTS:
        raise errors.on_transaction("merchant_account")
    return str(named)


def _true(value: object) -> bool:
    return value is True or value == "true"
