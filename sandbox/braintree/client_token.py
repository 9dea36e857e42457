"""What a page starts Braintree's element with: a token that names the merchant and, if known, the customer."""

import base64
import json
import secrets
from typing import Any

from sandbox.braintree.store import Body


def client_token(given: Body, merchant: str) -> dict[str, Any]:
    """What a page starts Braintree's element with."""
    token = {
        "version": int(given.get("version") or 2),
        "authorizationFingerprint": secrets.token_hex(32),
        "configUrl": f"/merchants/{merchant}/client_api/v1/configuration",
        "environment": "sandbox",
        "merchantId": merchant,
        "paypalEnabled": True,
        "customerId": given.get("customer_id"),
    }
    text = json.dumps(token)
    return {"value": text if token["version"] == 1 else base64.b64encode(text.encode()).decode()}
