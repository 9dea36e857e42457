"""What Braintree says of an agreement, as the fact for its account. Pure: for webhooks and reads alike."""

from state.braintree.vault import Agreement
from state.braintree.webhooks import REVOKED, SETTLED, Notice
from topics.message import Fact
from topics.observation import Observation
from topics.payment_methods import BraintreeMethodObserved
from topics.paypal_migrations import PayPalCharged


def told(notice: Notice, seen: Observation) -> Fact | None:
    """The fact in a notification; None when it concerns nothing of ours."""
    if not notice.token:
        return None
    if notice.kind == SETTLED:
        return PayPalCharged(reference=notice.token, charged_at=notice.at)
    if notice.kind == REVOKED:
        return BraintreeMethodObserved(reference=notice.token, seen=seen, revoked=True)
    return None


def observed(agreement: Agreement, seen: Observation) -> BraintreeMethodObserved:
    """An agreement as it was seen."""
    return BraintreeMethodObserved(
        reference=agreement.token, seen=seen, revoked=agreement.revoked, details=agreement.details
    )


def gone(reference: str, seen: Observation) -> BraintreeMethodObserved:
    """There is no such token."""
    return BraintreeMethodObserved(reference=reference, seen=seen, gone=True)
