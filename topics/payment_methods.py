"""Messages about payment methods: who pays with what, kept at which processor (DOMAIN.md 4).

Never a card number, a nonce or a client secret: those are handed over outside of Kafka (DESIGN.md 4, law 11).
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from topics.accounts import Version
from topics.message import Command, Event, Fact, Result
from topics.observation import Observation
from topics.stripe_customers import CustomerId

METHOD_ID_PATTERN: Final = r"^[0-9a-f]{32}$"
MethodId = Annotated[str, Field(pattern=METHOD_ID_PATTERN)]
Text = Annotated[str, Field(max_length=512)]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""A processor's own id of a method: `pm_...` at Stripe, the vault's token at Braintree."""
SetupIntentId = Annotated[str, Field(pattern=r"^seti_[A-Za-z0-9]{1,64}$")]
Reason = Annotated[str, Field(min_length=1, max_length=500)]
Sentence = Annotated[str, Field(pattern=r"^[^\n]{1,200}\.$")]


class Processor(StrEnum):
    """Who keeps the method and moves the money."""

    STRIPE = "stripe"
    BRAINTREE = "braintree"


class MethodKind(StrEnum):
    """What a customer pays with, as the public API calls it. Wallets are cards."""

    CREDIT_CARD = "CREDIT_CARD"
    PAYPAL = "PAYPAL"
    CASHAPP = "CASHAPP"
    SEPA_DEBIT = "SEPA_DEBIT"
    LINK = "LINK"
    ACH_DIRECT_DEBIT = "ACH_DIRECT_DEBIT"


class MethodState(StrEnum):
    """Where a method stands. The last three are final."""

    PENDING_SETUP = "pending_setup"
    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"
    DETACHED = "detached"


class CollectionMethod(StrEnum):
    """How Stripe collects an invoice: by itself, or by sending it, which is how PayPal is collected."""

    CHARGE_AUTOMATICALLY = "charge_automatically"
    SEND_INVOICE = "send_invoice"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class MethodBilling(_Value):
    """What the customer says of a method: its nickname, and name and address on it. None leaves it as it is."""

    nick_name: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    address: Text | None = None
    address2: Text | None = None
    city: Text | None = None
    state: Text | None = None
    zipcode: Text | None = None
    country: Text | None = None


class MethodDetails(_Value):
    """What a processor shows of a method. `fingerprint` is the same for the same card or bank account."""

    processor: Processor
    kind: MethodKind
    reference: Reference
    last_four: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,4}$")] | None = None
    brand: Text | None = None
    wallet: Text | None = None
    exp_month: Annotated[int, Field(ge=1, le=12)] | None = None
    exp_year: Annotated[int, Field(ge=2000, le=2200)] | None = None
    payer_email: Text | None = None
    agreement_id: Text | None = None
    bank_name: Text | None = None
    bank_country: Text | None = None
    bank_code: Text | None = None
    bank_account_type: Text | None = None
    cashtag: Text | None = None
    fingerprint: Text | None = None
    created_at: AwareDatetime | None = None


class AddPaymentMethod(Command, MethodBilling):
    """Keep a method. Stripe's are named by `payment_method` or by a confirmed `setup_intent`, one of the two.

    PayPal is named by neither: its nonce and device data wait under the command's id (state/redis/handover.py).
    """

    type: ClassVar = "billing.payment-methods.add.v1"
    method_kind: MethodKind
    payment_method: Annotated[str, Field(pattern=r"^pm_[A-Za-z0-9_]{1,64}$")] | None = None
    setup_intent: SetupIntentId | None = None
    default: bool = False


class EditPaymentMethod(Command, MethodBilling):
    """Change what the customer says of a method; `default` of true makes it the default too."""

    type: ClassVar = "billing.payment-methods.edit.v1"
    method_id: MethodId
    default: bool = False
    expected_version: Version | None = None


class RemovePaymentMethod(Command):
    """Take a method away, here at once and then at its processor. Refused while something needs it."""

    type: ClassVar = "billing.payment-methods.remove.v1"
    method_id: MethodId


class SetDefaultPaymentMethod(Command):
    """Charge this method first from now on."""

    type: ClassVar = "billing.payment-methods.set-default.v1"
    method_id: MethodId


class StartPaymentMethodSetup(Command):
    """Begin a setup intent, for a page to collect a method with. Its client secret is handed over, not told."""

    type: ClassVar = "billing.payment-methods.start-setup.v1"


class ReconcileCollectionMethod(Command):
    """Make every subscription at Stripe collect as it shall, looking at each."""

    type: ClassVar = "billing.payment-methods.reconcile-collection.v1"


class ReviewCardExpiry(Command):
    """Look at the account's cards: warn of those that expire soon, end those that are past."""

    type: ClassVar = "billing.payment-methods.review-expiry.v1"


class PaymentMethodVaulted(Result):
    """The processor keeps the method that `method_id` was added for; at Stripe for `customer_id`."""

    type: ClassVar = "billing.payment-methods.vaulted.v1"
    method_id: MethodId
    details: MethodDetails
    seen: Observation
    customer_id: CustomerId | None = None


class PaymentMethodActionRequired(Result):
    """The payer has to authenticate before `deadline`, by verifying `deposits` if so; the secret was handed over."""

    type: ClassVar = "billing.payment-methods.action-required.v1"
    method_id: MethodId
    setup_intent: SetupIntentId
    deadline: AwareDatetime
    deposits: bool = False
    customer_id: CustomerId | None = None


class PaymentMethodDeclined(Result):
    """The processor will not keep it. `reason`, and `advice` where the usual is wrong, are fit for the customer."""

    type: ClassVar = "billing.payment-methods.declined.v1"
    method_id: MethodId
    code: Annotated[str, Field(min_length=1, max_length=100)]
    reason: Reason
    permanent: bool
    advice: Sentence | None = None


class SetupStarted(Result):
    """A setup intent of `customer_id` waits until `deadline`; its secret was handed over. `setup_id` is the command."""

    type: ClassVar = "billing.payment-methods.setup-started.v1"
    setup_intent: SetupIntentId
    deadline: AwareDatetime
    setup_id: MethodId | None = None
    customer_id: CustomerId | None = None


class SetupRefused(Result):
    """No setup intent could be made. `reason` is fit for the customer."""

    type: ClassVar = "billing.payment-methods.setup-refused.v1"
    reason: Reason
    setup_id: MethodId | None = None


class SetupIntentObserved(Fact):
    """What became of a setup intent. `details` when it succeeded: the method is that of `customer_id` then.

    `closed` when it ended without a method: cancelled, or released at its deadline. `failure` is why its last attempt
    failed, fit for the customer: another may succeed. `deadline` until when small deposits are to be verified.
    """

    type: ClassVar = "billing.payment-methods.setup-observed.v1"
    setup_intent: SetupIntentId
    seen: Observation
    details: MethodDetails | None = None
    closed: bool = False
    failure: Reason | None = None
    deadline: AwareDatetime | None = None
    customer_id: CustomerId | None = None


class SetupDeadlinePassed(Fact):
    """The time to authenticate is over: the setup intent is looked at, and released unless it succeeded."""

    type: ClassVar = "billing.payment-methods.setup-deadline-passed.v1"
    setup_intent: SetupIntentId


class StripeMethodObserved(Fact):
    """A payment method as Stripe shows it, nobody's without `customer_id`. `default`: its customer is charged by it."""

    type: ClassVar = "billing.payment-methods.stripe-observed.v1"
    details: MethodDetails
    customer_id: CustomerId | None
    seen: Observation
    default: bool = False


class BraintreeMethodObserved(Fact):
    """A vaulted PayPal account as Braintree shows it; `gone` when its token is not there (any more)."""

    type: ClassVar = "billing.payment-methods.braintree-observed.v1"
    reference: Reference
    seen: Observation
    revoked: bool = False
    gone: bool = False
    details: MethodDetails | None = None


class StripeCustomerObserved(Fact):
    """The payment side of a Stripe customer: its default method, or that it was deleted."""

    type: ClassVar = "billing.payment-methods.customer-observed.v1"
    customer_id: CustomerId
    default_payment_method: Reference | None
    deleted: bool = False
    seen: Observation


class PaymentMethodsReleased(Fact):
    """The processor does not keep these any more for the account."""

    type: ClassVar = "billing.payment-methods.released.v1"
    method_ids: Annotated[tuple[MethodId, ...], Field(max_length=100)]


class PaymentMethodChanged(Event):
    """A method as it is from now on. `reason` says what ended it, or why it was changed."""

    type: ClassVar = "billing.payment-methods.changed.v1"
    method_id: MethodId
    method_kind: MethodKind
    processor: Processor
    state: MethodState
    default: bool
    last_four: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    reason: str | None = None
    version: int


class PaymentMethodExpiring(Event):
    """A card ends soon: told once for each month of expiry."""

    type: ClassVar = "billing.payment-methods.expiring.v1"
    method_id: MethodId
    exp_month: int
    exp_year: int
    default: bool


class CollectionMethodChanged(Event):
    """How the account's subscriptions are collected from now on, and why."""

    type: ClassVar = "billing.payment-methods.collection-changed.v1"
    collection_method: CollectionMethod
    reason: str


class PaymentsDrifted(Event):
    """Something at a processor is not as it shall be: `what` names it, and it is brought in line."""

    type: ClassVar = "billing.payment-methods.drifted.v1"
    what: Reason


MESSAGES = (
    AddPaymentMethod,
    EditPaymentMethod,
    RemovePaymentMethod,
    SetDefaultPaymentMethod,
    StartPaymentMethodSetup,
    ReconcileCollectionMethod,
    ReviewCardExpiry,
    PaymentMethodVaulted,
    PaymentMethodActionRequired,
    PaymentMethodDeclined,
    SetupStarted,
    SetupRefused,
    SetupIntentObserved,
    SetupDeadlinePassed,
    StripeMethodObserved,
    BraintreeMethodObserved,
    StripeCustomerObserved,
    PaymentMethodsReleased,
    PaymentMethodChanged,
    PaymentMethodExpiring,
    CollectionMethodChanged,
    PaymentsDrifted,
)

_METHOD = "7d9e0c1b2a3f4e5d6c7b8a9f0e1d2c3b"
_SETUP = "seti_1PzXq2LkdIwHu7ixUEgbFdYF"
_CUSTOMER = "cus_NffrFeUfNV2Hib"
_MOMENT = datetime(2026, 11, 24, 9, 30, 15, tzinfo=UTC)
_SEEN = Observation(at=_MOMENT, event_id="evt_1PzXq3LkdIwHu7ixQ0x7yL3d")
_READ = Observation(at=_MOMENT)
_CARD = MethodDetails(
    processor=Processor.STRIPE,
    kind=MethodKind.CREDIT_CARD,
    reference="pm_1PzXq1LkdIwHu7ixYzAbCdEf",
    last_four="4242",
    brand="visa",
    exp_month=12,
    exp_year=2028,
    fingerprint="Xt5EWLLDS7FJjR1c",
)
_PAYPAL = MethodDetails(
    processor=Processor.BRAINTREE,
    kind=MethodKind.PAYPAL,
    reference=_METHOD,
    payer_email="payer@example.com",
    agreement_id="B-7FB31251F28061234",
)

EXAMPLES = (
    AddPaymentMethod(
        method_kind=MethodKind.CREDIT_CARD, payment_method=_CARD.reference, nick_name="Team card"
    ),
    EditPaymentMethod(method_id=_METHOD, nick_name="Old card", country="GB"),
    RemovePaymentMethod(method_id=_METHOD),
    SetDefaultPaymentMethod(method_id=_METHOD),
    StartPaymentMethodSetup(),
    ReconcileCollectionMethod(),
    ReviewCardExpiry(),
    PaymentMethodVaulted(method_id=_METHOD, details=_PAYPAL, seen=_READ),
    PaymentMethodActionRequired(method_id=_METHOD, setup_intent=_SETUP, deadline=_MOMENT),
    PaymentMethodDeclined(
        method_id=_METHOD,
        code="insufficient_funds",
        reason="The card has insufficient funds.",
        permanent=False,
    ),
    SetupStarted(setup_intent=_SETUP, deadline=_MOMENT, setup_id=_METHOD, customer_id=_CUSTOMER),
    SetupRefused(reason="Several accounts share this Stripe customer, so it is not changed automatically."),
    SetupIntentObserved(setup_intent=_SETUP, seen=_SEEN, details=_CARD),
    SetupDeadlinePassed(setup_intent=_SETUP),
    StripeMethodObserved(details=_CARD, customer_id=_CUSTOMER, seen=_SEEN),
    BraintreeMethodObserved(reference=_METHOD, seen=_SEEN, revoked=True),
    StripeCustomerObserved(customer_id=_CUSTOMER, default_payment_method=_CARD.reference, seen=_SEEN),
    PaymentMethodsReleased(method_ids=(_METHOD,)),
    PaymentMethodChanged(
        method_id=_METHOD,
        method_kind=MethodKind.CREDIT_CARD,
        processor=Processor.STRIPE,
        state=MethodState.ACTIVE,
        default=True,
        last_four="4242",
        exp_month=12,
        exp_year=2028,
        version=2,
    ),
    PaymentMethodExpiring(method_id=_METHOD, exp_month=12, exp_year=2026, default=True),
    CollectionMethodChanged(
        collection_method=CollectionMethod.SEND_INVOICE, reason="PayPal is among the active payment methods."
    ),
    PaymentsDrifted(what="sub_1PzXq5LkdIwHu7ix collects by charge_automatically instead of send_invoice"),
)
