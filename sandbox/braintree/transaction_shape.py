"""All the fields of a transaction in the gateway's order, as its sandbox was recorded to answer."""

import secrets
from dataclasses import dataclass
from decimal import Decimal

from sandbox.braintree.processor_responses import Response
from sandbox.braintree.spelling import LOGO, global_id, moment
from sandbox.braintree.store import Body

_NAMES = ("first_name", "last_name", "company")
_PLACE = (
    *("street_address", "extended_address", "locality", "region", "postal_code", "country_name"),
    *("country_code_alpha2", "country_code_alpha3", "country_code_numeric"),
)
_UNKNOWN = (
    *("prepaid", "healthcare", "debit", "durbin_regulated", "commercial", "payroll", "issuing_bank"),
    *("country_of_issuance", "product_id"),
)
_PAYPAL_UNSET = (
    *("payee_id", "payee_email", "custom_field", "capture_id", "refund_id", "transaction_fee_amount"),
    *("transaction_fee_currency_iso_code", "refund_from_transaction_fee_amount"),
    *("refund_from_transaction_fee_currency_iso_code", "selected_financing_term"),
    *("selected_financing_currency_code", "selected_financing_discount_percentage", "description"),
    *("shipping_option_id", "cobranded_card_label", "implicitly_vaulted_payment_method_token"),
    *("implicitly_vaulted_payment_method_global_id", "paypal_retail_transaction_id"),
    *("paypal_retail_transaction_status", "paypal_retail_transaction_refund_url"),
    *("paypal_retail_transaction_lookup_url", "app_used_for_scanning"),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What makes one transaction differ from another. `method` is as the vault keeps it; `answer` the processor's."""

    type: str
    amount: Decimal
    currency: str
    merchant_account: str
    order_id: str | None
    customer: Body | None
    method: Body
    status: str
    answer: Response | None
    recurring: bool = False
    rejection: str | None = None
    refunded: str | None = None


def made(facts: Facts, at: float) -> Body:
    """A new transaction with an id of its own."""
    id_, amount, approved = secrets.token_hex(4), f"{facts.amount:.2f}", _approved(facts)
    return {
        "id": id_,
        "status": facts.status,
        "type": facts.type,
        "currency_iso_code": facts.currency,
        "amount": amount,
        "amount_requested": amount,
        "merchant_account_id": facts.merchant_account,
        **dict.fromkeys(("sub_merchant_account_id", "master_merchant_account_id")),
        "order_id": facts.order_id,
        "created_at": moment(at),
        "updated_at": moment(at),
        "customer": _customer(facts.customer),
        "billing": dict.fromkeys(("id", *_NAMES, *_PLACE)),
        "refund_id": None,
        "refund_ids": [],
        "refunded_transaction_id": facts.refunded,
        "partial_settlement_transaction_ids": [],
        **dict.fromkeys(("authorized_transaction_id", "settlement_batch_id")),
        "shipping": dict.fromkeys(("id", *_NAMES, *_PLACE)),
        "custom_fields": "",
        "avs_error_response_code": None,
        **dict.fromkeys(
            ("avs_postal_code_response_code", "avs_street_address_response_code", "cvv_response_code"), "A"
        ),
        "gateway_rejection_reason": facts.rejection,
        "processor_authorization_code": secrets.token_hex(3).upper() if approved else None,
        "processor_response_code": facts.answer.code if facts.answer else "",
        "processor_response_text": facts.answer.text if facts.answer else "",
        "additional_processor_response": _additional(facts),
        **dict.fromkeys(("voice_referral_number", "purchase_order_number", "tax_amount")),
        "tax_exempt": False,
        "sca_exemption_requested": None,
        "processed_with_network_token": False,
        "credit_card": _card(facts.method),
        **_paypal(facts.method, approved=approved),
        "status_history": [event(facts.status, amount, at)],
        **_always(facts, id_),
        **_after_2021(id_),
    }


def event(status: str, amount: str, at: float) -> Body:
    """One line of a transaction's history."""
    known = {"status": status, "amount": amount, "user": "sandbox", "transaction_source": "api"}
    return {"timestamp": moment(at), **known}


def _always(facts: Facts, id_: str) -> Body:
    return {
        **dict.fromkeys(("plan_id", "subscription_id")),
        "subscription": dict.fromkeys(("billing_period_end_date", "billing_period_start_date")),
        "add_ons": [],
        "discounts": [],
        "descriptor": dict.fromkeys(("name", "phone", "url")),
        "recurring": facts.recurring,
        **dict.fromkeys(("channel", "service_fee_amount", "escrow_status")),
        "disbursement_details": dict.fromkeys(
            (
                *("disbursement_date", "settlement_amount", "settlement_currency_iso_code"),
                *("settlement_currency_exchange_rate", "settlement_base_currency_exchange_rate"),
                *("funds_held", "success"),
            )
        ),
        "disputes": [],
        "authorization_adjustments": [],
        "payment_instrument_type": facts.method["kind"],
        "processor_settlement_response_code": "",
        "processor_settlement_response_text": "",
        **dict.fromkeys(("network_response_code", "network_response_text", "three_d_secure_info")),
        **dict.fromkeys(("ships_from_postal_code", "shipping_amount", "discount_amount")),
        "network_transaction_id": None,
        "processor_response_type": facts.answer.type if facts.answer else None,
        "authorization_expires_at": None,
        "retry_ids": [],
        "retried_transaction_id": None,
        "refund_global_ids": [],
        "partial_settlement_transaction_global_ids": [],
        "refunded_transaction_global_id": global_id("transaction", facts.refunded)
        if facts.refunded
        else None,
        "authorized_transaction_global_id": None,
        "global_id": global_id("transaction", id_),
    }


def _after_2021(id_: str) -> Body:
    return {
        "retry_global_ids": [],
        **dict.fromkeys(("retried_transaction_global_id", "retrieval_reference_number", "installment_count")),
        "installments": [],
        "refunded_installments": [],
        **dict.fromkeys(("response_emv_data", "acquirer_reference_number", "merchant_identification_number")),
        **dict.fromkeys(("terminal_identification_number", "merchant_name")),
        "merchant_address": dict.fromkeys(("street_address", "locality", "region", "postal_code", "phone")),
        "pin_verified": False,
        **dict.fromkeys(("account_balance", "debit_network")),
    }


def _customer(body: Body | None) -> Body:
    names = ("id", *_NAMES, "email", "website", "phone", "fax", "global_id")
    return {name: (body or {}).get(name) for name in names}


def _card(method: Body) -> Body:
    """The card; of a PayPal account the gateway shows an empty one under the same token."""
    card, token = (method if method["kind"] == "credit_card" else {}), method["token"]
    return {
        "token": token,
        **{name: card.get(name) for name in ("bin", "last_4", "card_type")},
        **{name: card.get(name, "") for name in ("expiration_month", "expiration_year")},
        **{name: card.get(name) for name in ("customer_location", "cardholder_name")},
        "image_url": card.get("image_url", LOGO.format(name="unknown")),
        **dict.fromkeys(_UNKNOWN, "Unknown"),
        "global_id": global_id("paymentmethod_cc", token) if token else None,
        "account_type": None,
        "unique_number_identifier": card.get("unique_number_identifier"),
        "venmo_sdk": False,
    }


def _paypal(method: Body, *, approved: bool) -> Body:
    if method["kind"] != "paypal_account":
        return {}
    payer = method["payer_info"] if approved else {}
    return {
        "paypal": {
            "token": method["token"],
            "payer_email": method["email"],
            "payment_id": f"PAY-{secrets.token_hex(12).upper()}" if approved else None,
            "authorization_id": f"AUTH-{secrets.token_hex(8).upper()}" if approved else None,
            "image_url": LOGO.format(name="paypal"),
            "debug_id": secrets.token_hex(7)[:13],
            "payer_id": payer.get("payer_id"),
            "payer_first_name": payer.get("first_name"),
            "payer_last_name": payer.get("last_name"),
            "payer_status": "VERIFIED" if approved else None,
            "payer_phone": payer.get("phone"),
            "seller_protection_status": "ELIGIBLE" if approved else None,
            "global_id": global_id("paymentmethod_pp", method["token"]) if method["token"] else None,
            "billing_agreement_id": method["billing_agreement_id"],
            **dict.fromkeys(_PAYPAL_UNSET),
        }
    }


def _approved(facts: Facts) -> bool:
    return facts.answer is not None and facts.answer.type == "approved"


def _additional(facts: Facts) -> str | None:
    """PayPal's own word; recorded for 2073 only."""
    return "2073 : VALIDATION_ERROR" if facts.answer and facts.answer.code == "2073" else None
