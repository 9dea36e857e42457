"""The test cards of Stripe's documentation and what their banks say (docs.stripe.com/testing).

What happens to a charge later (disputes, refunds, Radar's verdict, the balance) is not played: nobody is charged here.
"""

from dataclasses import dataclass

from sandbox.stripe import test_cards_abroad as abroad


@dataclass(frozen=True, slots=True)
class TestCard:
    """A card by its number. `declined` is the code its setup is declined with, `authenticates` asks its owner first.

    `exact` is the decline code behind `declined`; `cvc`, `line1` and `postal` are what the bank says of those when
    they are told. `beside` is the network of a co-branded card besides its brand's.
    """

    __test__ = False

    number: str
    brand: str = "visa"
    declined: str | None = None
    exact: str | None = None
    authenticates: bool = False
    country: str = "US"
    funding: str = "credit"
    cvc: str = "pass"
    line1: str = "pass"
    postal: str = "pass"
    beside: str | None = None


_DECLINED = "card_declined"
_BY_BRAND = (
    TestCard("4242424242424242"),
    TestCard("4000056655665556", funding="debit"),
    TestCard("5555555555554444", "mastercard"),
    TestCard("2223003122003222", "mastercard"),
    TestCard("5200828282828210", "mastercard", funding="debit"),
    TestCard("5105105105105100", "mastercard", funding="prepaid"),
    TestCard("378282246310005", "amex"),
    TestCard("371449635398431", "amex"),
    TestCard("6011111111111117", "discover"),
    TestCard("6011000990139424", "discover"),
    TestCard("6011981111111113", "discover", funding="debit"),
    TestCard("3056930009020004", "diners"),
    TestCard("36227206271667", "diners"),
    TestCard("3566002020360505", "jcb", country="JP"),
    TestCard("3530111333300000", "jcb", country="JP"),
    TestCard("6200000000000005", "unionpay", country="CN"),
    TestCard("6200000000000047", "unionpay", country="CN", funding="debit"),
    TestCard("6205500000000000004", "unionpay", country="CN"),
    TestCard("4000002500001001", country="FR", beside="cartes_bancaires"),
    TestCard("5555552500001001", "mastercard", country="FR", beside="cartes_bancaires"),
    TestCard("4000050360000001", country="AU", funding="debit", beside="eftpos_au"),
    TestCard("5555050360000080", "mastercard", country="AU", funding="debit", beside="eftpos_au"),
    # For health savings and flexible spending.
    TestCard("4000051230000072", funding="debit"),
    TestCard("5200828282828897", "mastercard", funding="debit"),
)
_REFUSED = (
    TestCard("4000000000000002", declined=_DECLINED, exact="generic_decline"),
    TestCard("4000000000009995", declined=_DECLINED, exact="insufficient_funds"),
    TestCard("4000000000009987", declined=_DECLINED, exact="lost_card"),
    TestCard("4000000000009979", declined=_DECLINED, exact="stolen_card"),
    TestCard("4000000000006975", declined=_DECLINED, exact="card_velocity_exceeded"),
    TestCard("4000000000000069", declined="expired_card", exact="expired_card"),
    TestCard("4000000000000127", declined="incorrect_cvc", exact="incorrect_cvc"),
    TestCard("4000000000000119", declined="processing_error", exact="processing_error"),
    # Radar always blocks it.
    TestCard("4100000000000019", declined=_DECLINED, exact="fraudulent"),
    # 3-D Secure is required, and looking up who asks the owner fails.
    TestCard("4000008400001280", declined=_DECLINED, exact="generic_decline"),
)
_CHECKED = (
    TestCard("4000000000000101", cvc="fail"),
    TestCard("4000058400307872", cvc="fail"),
    TestCard("4000000000000036", postal="fail"),
    TestCard("4000058400306072", postal="fail"),
    TestCard("4000000000000028", line1="fail"),
    TestCard("4000000000000010", line1="fail", postal="fail"),
    TestCard("4000000000000044", line1="unavailable", postal="unavailable"),
)
_AUTHENTICATED = (
    TestCard("4000002500003155", authenticates=True),
    TestCard("4000002760003184", authenticates=True),
    TestCard("4000008260003178", authenticates=True),
    TestCard("4000000000003220", authenticates=True, country="IE"),
    TestCard("4000008400000027", authenticates=True),
    TestCard("4000000000003063", authenticates=True),
    TestCard("4000008400001629", declined=_DECLINED, exact="generic_decline", authenticates=True),
    # For the four ways of asking in an app.
    TestCard("4000582600000094", authenticates=True),
    TestCard("4000582600000045", authenticates=True),
    TestCard("4000582600000102", authenticates=True),
    TestCard("4000582600000110", authenticates=True),
)
_KEPT = {
    # Its owner was asked before, or need not be, or the bank is content without.
    "authenticationRequiredSetupForOffSession": "4000003800000446",
    "threeDSecureOptional": "4000000000003055",
    "threeDSecureOptionalProcessingError": "4000000000003097",
    "": "4000000032200000",
    # Charges are declined.
    "chargeCustomerFail": "4000000000000341",
    # Radar may have something against charges.
    "riskLevelHighest": "4000000000004954",
    "riskLevelElevated": "4000000000009235",
    "highFraudDisputeScore": "4000008400000407",
    "highEfwScore": "4000008400000159",
    "radarDynamicRiskThreshold": "4000008400001017",
    "adaptive3dsChallenge": "4000008405600003",
    # Charges are disputed, or a dispute is prevented.
    "createDispute": "4000000000000259",
    "createDisputeProductNotReceived": "4000000000002685",
    "createDisputeInquiry": "4000000000001976",
    "createIssuerFraudRecord": "4000000000005423",
    "createMultipleDisputes": "4000000404000079",
    "createCe3EligibleDispute": "4000000404000038",
    "createComplianceDispute": "4000008400000779",
    "createMastercardComplianceDispute": "5105008400000002",
    "createAutoRepresentmentEligibleDispute": "4000000001000043",
    "createRapidDisputeResolutionDispute": "4000000404004816",
    "createCe3BlockDispute": "4000000404005649",
    "createEthocaAlert": "5105000300000018",
    # Refunds take their time, or fail.
    "pendingRefund": "4000000000007726",
    "refundFail": "4000000000005126",
    # Charges are in the balance at once.
    "bypassPending": "4000000000000077",
    "bypassPendingInternational": "4000003720000278",
}
_ABROAD = (
    *(TestCard(one, country=name[:2].upper()) for name, one in (abroad.VISA | abroad.UNNAMED).items()),
    *(TestCard(one, country=name[:2].upper(), funding="debit") for name, one in abroad.DEBIT.items()),
    *(TestCard(one, "mastercard", country=name[:2].upper()) for name, one in abroad.MASTERCARD.items()),
)
_LATER = tuple(TestCard(one, "mastercard" if one.startswith("5") else "visa") for one in _KEPT.values())
CARDS = {card.number: card for card in (*_ABROAD, *_LATER, *_BY_BRAND, *_REFUSED, *_CHECKED, *_AUTHENTICATED)}

TOKENS = {
    **abroad.VISA,
    **abroad.DEBIT,
    **abroad.MASTERCARD,
    **{name: number for name, number in _KEPT.items() if name},
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "mastercard_debit": "5200828282828210",
    "mastercard_prepaid": "5105105105105100",
    "amex": "378282246310005",
    "amex_threeDSecureNotSupported": "378282246310005",
    "discover": "6011111111111117",
    "diners": "3056930009020004",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "visa_cartesBancaires": "4000002500001001",
    "mastercard_cartesBancaires": "5555552500001001",
    "visa_debit_eftposAuCoBranded": "4000050360000001",
    "mastercard_debit_eftposAuCoBranded": "5555050360000080",
    "debit_visaFsaProductCode": "4000051230000072",
    "debit_visaHsaProductCode": "4000051230000072",
    "mastercard_debit_mastercardFsaProductCode": "5200828282828897",
    "visa_chargeDeclined": "4000000000000002",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedLostCard": "4000000000009987",
    "visa_chargeDeclinedStolenCard": "4000000000009979",
    "visa_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "radarBlock": "4100000000000019",
    "cvcCheckFail": "4000000000000101",
    "cvcCheckFailElevatedRisk": "4000058400307872",
    "avsZipFail": "4000000000000036",
    "avsZipFailElevatedRisk": "4000058400306072",
    "avsLine1Fail": "4000000000000028",
    "avsFail": "4000000000000010",
    "avsUnchecked": "4000000000000044",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequired": "4000002760003184",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "threeDSecure2Required": "4000000000003220",
    "threeDSecureRequired": "4000000000003063",
    "threeDSecureRequiredChargeDeclined": "4000008400001629",
    "threeDSecureRequiredProcessingError": "4000008400001280",
}
"""What may be named instead of a number: `pm_card_visa`, `tok_visa` and the like."""

SENTENCES = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "card_velocity_exceeded": (
        "Your card was declined for making repeated attempts too frequently or exceeding its amount limit."
    ),
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}
"""Stripe's words to the customer, by decline code or code."""


def named(token: str) -> TestCard | None:
    """The card behind `pm_card_...` or `tok_...`; None for what is no such name."""
    for prefix in ("pm_card_", "tok_"):
        if token.startswith(prefix):
            number = TOKENS.get(token.removeprefix(prefix))
            return CARDS[number] if number else None
    return None
