"""The signature of Stripe's webhooks: over the raw bytes, young, by one of our secrets."""

from collections.abc import Iterable
from typing import Final

from stripe import SignatureVerificationError, WebhookSignature

TOLERANCE: Final = 300
"""Seconds by which a signature may be old (docs.stripe.com/webhooks#replay-attacks)."""


class BadSignatureError(Exception):
    """Nobody who has the secret sent this, or long ago. Its text is for the log."""


class Secrets:
    """The endpoint's signing secrets; several while one is rotated. Raises `ValueError` for none or an empty one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secret.strip() for secret in secrets)
        if not self._secrets or not all(self._secrets):
            raise ValueError("a webhook endpoint needs a signing secret; anybody can sign with an empty one")

    def verify(self, body: bytes, signature: str | None) -> None:
        """Raise `BadSignatureError` unless one of the secrets signed these bytes in the last 300 s."""
        if not signature:
            raise BadSignatureError("there is no Stripe-Signature")
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise BadSignatureError("the body is not UTF-8, which Stripe's are") from None
        if not any(_signed(text, signature, secret) for secret in self._secrets):
            raise BadSignatureError("no secret of this endpoint made the signature, or it is too old")


def _signed(text: str, signature: str, secret: str) -> bool:
    try:
        return bool(WebhookSignature.verify_header(text, signature, secret, TOLERANCE))
    except SignatureVerificationError:
        return False
