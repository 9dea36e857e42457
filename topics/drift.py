"""Commands that end differences between our store and the processors, after somebody saw what they would do."""

from typing import Annotated, ClassVar, Final

from pydantic import Field

from topics.message import Command
from topics.stripe_customers import CustomerId

MOST_OBJECTS: Final = 200
Reference = Annotated[str, Field(min_length=1, max_length=255)]
References = Annotated[tuple[Reference, ...], Field(max_length=MOST_OBJECTS)]


class RepairDrift(Command):
    """End differences of an account: write what is ours at the processors, read again what is theirs.

    `customer` writes who the account is to Stripe, `collection` its default and how subscriptions are collected,
    `vault` its default at Braintree. The others name objects to read.
    """

    type: ClassVar = "billing.drift.repair.v1"
    customer: bool = False
    collection: bool = False
    vault: bool = False
    payment_methods: References = ()
    subscriptions: References = ()
    agreements: References = ()


class DiscardStripeCustomer(Command):
    """Delete a customer at Stripe that says it was made for this account, that none is linked to and nothing uses.

    `reason` is why an operator asked for it.
    """

    type: ClassVar = "billing.drift.discard-customer.v1"
    customer_id: CustomerId
    reason: Annotated[str, Field(max_length=500)] | None = None


MESSAGES = (RepairDrift, DiscardStripeCustomer)

EXAMPLES = (
    RepairDrift(customer=True, payment_methods=("pm_1QKp3V2eZvKYlo2CmFvO1h8T",)),
    DiscardStripeCustomer(customer_id="cus_NffrFeUfNV2Hib"),
)
