"""What PayPal itself knows of billing agreements: which were taken back, and which it won't pay by.

Braintree's vault keeps only their ids, and learns late or never what happened to them. An agreement of which
nothing is written here is good.
"""

from sandbox.braintree.processor_responses import RESPONSES
from sandbox.braintree.store import Body, Store

AGREEMENT = "agreement"
REVOKED, NO_SUCH = "2070", "2073"
"""2073 is what a recorded charge by an agreement that PayPal does not have was declined with."""


def declines(store: Store, agreement_id: str | None) -> str | None:
    """The code with which PayPal refuses a charge by this agreement; None when it pays."""
    if agreement_id is None:
        return NO_SUCH
    code: str | None = (store.find(AGREEMENT, agreement_id) or {}).get("declines")
    return code


def refuse(store: Store, agreement_id: str, code: str | None) -> None:
    """PayPal refuses by this agreement from now on, with this code; None: it pays. Raises ValueError."""
    if code is None:
        store.drop(AGREEMENT, agreement_id)
        return
    if code not in RESPONSES or not code.startswith("2"):
        raise ValueError(f"{code} is no decline of a processor: 2000 to 2999")
    store.put(AGREEMENT, agreement_id, {"id": agreement_id, "declines": code})


def standing(method: Body, store: Store) -> str:
    """What a person is told of a PayPal account in the vault: "" when nothing is wrong with it."""
    if method["revoked_at"]:
        return "revoked"
    if method["billing_agreement_id"] is None:
        return "no agreement"
    code = declines(store, method["billing_agreement_id"])
    return "revoked at PayPal only" if code == REVOKED else f"declines {code}" if code else ""
