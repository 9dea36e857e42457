"""What an older system left behind: PayPal methods by kind, as the vault and upstream know them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from random import Random
from typing import Any, Final
from uuid import UUID

from handlers.payment_method import vaulted_id_of
from topics.observation import Observation
from topics.payment_methods import BraintreeMethodObserved, MethodDetails, MethodKind, Processor

SEEN: Final = Observation(at=datetime(2024, 1, 1, tzinfo=UTC), event_id="taken-over")
LONG_AGO: Final = datetime(2024, 1, 1, tzinfo=UTC)
EMAIL_DOMAIN: Final = "payer-mail.example.com"
"""No log may hold it."""


class Kind(Enum):
    """How a method is broken, and what happens to it on its way."""

    SOUND = "as it shall be"
    MOVED = "on another customer, imported and paid with"
    SWITCHED = "on another customer, imported and not paid with yet"
    AWAITED = "on another customer, never imported"
    TAKEN_BACK = "on another customer, imported, taken back by support"
    MISTAKEN = "on another customer, imported with another agreement by mistake"
    REMOVED = "on another customer, removed by its payer on the way"
    EXCHANGED = "a nonce whose agreement is in the vault"
    NEVER_KEPT = "a nonce with nothing behind it"
    YOUNG = "a nonce that is still good"
    FILED_AS_CARD = "filed as a card"
    FILED_AND_ELSEWHERE = "filed as a card, and on another customer"
    SHARED = "paid with by two accounts"
    REVOKED = "revoked by its payer"


WEIGHTS: Final = {
    Kind.SOUND: 10,
    Kind.MOVED: 20,
    Kind.SWITCHED: 10,
    Kind.AWAITED: 6,
    Kind.TAKEN_BACK: 6,
    Kind.MISTAKEN: 4,
    Kind.REMOVED: 4,
    Kind.EXCHANGED: 12,
    Kind.NEVER_KEPT: 8,
    Kind.YOUNG: 4,
    Kind.FILED_AS_CARD: 6,
    Kind.FILED_AND_ELSEWHERE: 4,
    Kind.SHARED: 3,
    Kind.REVOKED: 3,
}
ELSEWHERE: Final = frozenset(
    {
        Kind.MOVED,
        Kind.SWITCHED,
        Kind.AWAITED,
        Kind.TAKEN_BACK,
        Kind.MISTAKEN,
        Kind.REMOVED,
        Kind.FILED_AND_ELSEWHERE,
        Kind.SHARED,
    }
)
NONCES: Final = frozenset({Kind.EXCHANGED, Kind.NEVER_KEPT, Kind.YOUNG})
CARDS: Final = frozenset({Kind.FILED_AS_CARD, Kind.FILED_AND_ELSEWHERE})


@dataclass(frozen=True, slots=True)
class Legacy:
    """One method: its account, the reference it is kept under, and the agreement in the vault, if there is one."""

    number: int
    kind: Kind
    account: str
    reference: str
    agreement: str

    @property
    def method_id(self) -> str:
        """Our id of it."""
        return vaulted_id_of(self.reference)

    @property
    def email(self) -> str:
        """Its payer."""
        return f"payer{self.number}@{EMAIL_DOMAIN}"

    @property
    def token(self) -> str | None:
        """The token under which the vault has the agreement in the beginning; None when it has none."""
        if self.kind is Kind.EXCHANGED:
            return f"tk{self.number}"
        return None if self.kind in NONCES else self.reference

    @property
    def customer(self) -> str:
        """The customer in the vault."""
        return f"old-{self.reference}" if self.kind in ELSEWHERE else self.account

    def fact(self) -> BraintreeMethodObserved:
        """How upstream tells of it."""
        details = MethodDetails(
            processor=Processor.BRAINTREE,
            kind=MethodKind.CREDIT_CARD if self.kind in CARDS else MethodKind.PAYPAL,
            reference=self.reference,
            payer_email=self.email,
            created_at=None if self.kind is Kind.YOUNG else LONG_AGO,
        )
        return BraintreeMethodObserved(reference=self.reference, seen=SEEN, details=details)

    def vaulted(self) -> dict[str, Any] | None:
        """The method as the vault's double is filled with it."""
        if self.token is None:
            return None
        return {
            "token": self.token,
            "customer_id": self.customer,
            "email": self.email,
            "billing_agreement_id": self.agreement,
            "agreement": "revoked" if self.kind is Kind.REVOKED else "active",
        }


def drawn(rng: Random, number: int) -> list[Legacy]:
    """That many methods, at least one of each kind, and a second account for each that is shared."""
    kinds = [*Kind, *rng.choices(list(WEIGHTS), list(WEIGHTS.values()), k=max(0, number - len(Kind)))]
    found: list[Legacy] = []
    for count, kind in enumerate(kinds):
        one = _one(rng, count, kind)
        found.append(one)
        if kind is Kind.SHARED:
            found.append(Legacy(count, kind, _hex(rng), one.reference, one.agreement))
    return found


def _one(rng: Random, number: int, kind: Kind) -> Legacy:
    nonce = str(UUID(int=rng.getrandbits(128), version=4))
    reference = nonce if kind in NONCES else f"lg{number}"
    return Legacy(number, kind, _hex(rng), reference, f"B-{rng.getrandbits(64):016X}")


def _hex(rng: Random) -> str:
    return f"{rng.getrandbits(128):032x}"
