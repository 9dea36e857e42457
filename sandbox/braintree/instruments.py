"""What the vault keeps of a payer's agreement and of a card: all the fields that the gateway shows."""

import hashlib
import secrets
from datetime import UTC, datetime

from sandbox.braintree.spelling import LOGO, global_id, moment
from sandbox.braintree.store import Body


def paypal(meant: Body, token: str, at: float) -> Body:
    """A PayPal account: `email`, and `billing_agreement_id` (None for one that no agreement stands behind)."""
    address = {
        "line1": "4th Floor, One Lagoon Drive",
        "line2": "Unit #34",
        "city": "Redwood City",
        "state": "CA",
        "phone": "1231231234",
        "postal_code": "94065",
        "country_code": "US",
    }
    payer = {
        "email": meant.get("email") or "fake-payer-info@example.com",
        "first_name": "John",
        "last_name": "Doe",
        "payer_id": "payer-id",
        "phone": "1231231234",
        "billing_address": address,
        "shipping_address": {"recipient_name": "John Doe", **address},
    }
    return {
        "kind": "paypal_account",
        "billing_agreement_id": meant.get("billing_agreement_id", f"B-{secrets.token_hex(8).upper()}"),
        "cobranded_card_label": None,
        "created_at": moment(at),
        "customer_global_id": None,
        "email": "jane.doe@paypal.com" if meant.get("email") is None else meant["email"],
        "global_id": global_id("paymentmethod_pp", token),
        "image_url": LOGO.format(name="paypal"),
        "subscriptions": [],
        "token": token,
        "updated_at": moment(at),
        "is_channel_initiated": False,
        "payer_id": "payer-id",
        "payer_info": payer,
        "limited_use_order_id": None,
        "revoked_at": None,
    }


def card(meant: Body, token: str, at: float) -> Body:
    """A card by its `number`, good for four more years."""
    number = str(meant["number"])
    brand = {"5": "MasterCard", "6": "Discover"}.get(number[0], "Visa")
    return {
        "kind": "credit_card",
        "billing_address": _address(at),
        "bin": number[:6],
        "card_type": brand,
        "cardholder_name": None,
        "created_at": moment(at),
        "expiration_month": "12",
        "expiration_year": str(datetime.fromtimestamp(at, UTC).year + 4),
        "expired": False,
        "global_id": global_id("paymentmethod_cc", token),
        "image_url": LOGO.format(name=brand.lower()),
        "last_4": number[-4:],
        **dict.fromkeys(_UNKNOWN, "Unknown"),
        "customer_global_id": None,
        "customer_location": "US",
        "venmo_sdk": False,
        "is_network_tokenized": False,
        "verifications": [],
        "subscriptions": [],
        "token": token,
        "unique_number_identifier": hashlib.sha256(number.encode()).hexdigest()[:32],
        "updated_at": moment(at),
    }


_UNKNOWN = (
    *("commercial", "country_of_issuance", "debit", "durbin_regulated", "healthcare", "issuing_bank"),
    *("payroll", "prepaid", "product_id"),
)


def _address(at: float) -> Body:
    unset = (
        *("first_name", "last_name", "company", "street_address", "extended_address", "locality", "region"),
        *(
            "country_code_alpha2",
            "country_code_alpha3",
            "country_code_numeric",
            "country_name",
            "phone_number",
        ),
    )
    return {
        "id": secrets.token_hex(1),
        "customer_id": None,
        **dict.fromkeys(unset),
        "postal_code": "94107",
        "created_at": moment(at),
        "updated_at": moment(at),
    }
