"""What a setup waits for before its method is kept: a bank's page, deposits to verify, a scan with Cash App.

Source: docs.stripe.com/api/setup_intents/object#setup_intent_object-next_action.
"""

from sandbox.stripe.objects import Body

DAY = 86_400
QR_SECONDS = 3600


def of(type_: str, intent: str, at: float) -> Body | None:
    """What the payer has to do for a method of this type, whatever the method; None for nothing."""
    match type_:
        case "us_bank_account":
            return _deposits(intent, at)
        case "cashapp":
            return _scan(intent, at)
    return None


def of_bank(intent: Body, return_url: str | None) -> Body:
    """Authenticate a card: on a page that leads back to this address, or by Stripe.js. The page's has the secret."""
    page = f"{_page(intent['id'])}?setup_intent_client_secret={intent['client_secret']}"
    if return_url:
        return {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": page}}
    sdk = {"type": "three_d_secure_redirect", "stripe_js": page}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": sdk}


def _deposits(intent: str, at: float) -> Body:
    """Nobody has linked the bank account: a deposit of a cent arrives in two days and tells a code."""
    shown = {
        "arrival_date": int(at) + 2 * DAY,
        "hosted_verification_url": _page(intent),
        "microdeposit_type": "descriptor_code",
    }
    return {"type": "verify_with_microdeposits", "verify_with_microdeposits": shown}


def _scan(intent: str, at: float) -> Body:
    page = _page(intent)
    code = {
        "expires_at": int(at) + QR_SECONDS,
        "image_url_png": f"{page}.png",
        "image_url_svg": f"{page}.svg",
    }
    shown = {"hosted_instructions_url": page, "mobile_auth_url": page, "qr_code": code}
    kind = "cashapp_handle_redirect_or_display_qr_code"
    return {"type": kind, kind: shown}


def _page(intent: str) -> str:
    return f"/authenticate/{intent}"
