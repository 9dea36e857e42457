"""Accounts that pay: shorthand for cards, PayPal and subscriptions as processors show them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from handlers.payment_method import NO_METHODS, PaymentMethod, PaymentMethods, default_of
from handlers.payment_method import PAYMENT_METHODS as PART
from handlers.subscription import NO_SUBSCRIPTIONS, SUBSCRIPTIONS, Subscriptions
from tests.handlers.worlds import START, World, registered
from topics.accounts import AccountType
from topics.message import Role
from topics.observation import Observation
from topics.payment_methods import (
    AddPaymentMethod,
    CollectionMethod,
    MethodDetails,
    MethodKind,
    PaymentMethodVaulted,
    Processor,
    StripeMethodObserved,
)
from topics.stripe_customers import LinkStripeCustomer
from topics.subscriptions import SubscriptionItem, SubscriptionObserved, SubscriptionStatus

CUSTOMER = "cus_A"
SUBSCRIPTION = "sub_1"


def at(seconds: float) -> datetime:
    """A moment of the processor's clock."""
    return START + timedelta(seconds=seconds)


def event(seconds: float, name: str | None = None) -> Observation:
    """Something told by an event."""
    return Observation(at=at(seconds), event_id=name or f"evt_{seconds:.0f}")


def reading(seconds: float) -> Observation:
    """The object itself, read."""
    return Observation(at=at(seconds))


def card(reference: str = "pm_1", **fields: Any) -> MethodDetails:
    """A card that is good for years."""
    given: dict[str, Any] = {
        "last_four": "4242",
        "brand": "visa",
        "exp_month": 12,
        "exp_year": 2030,
        **fields,
    }
    return MethodDetails(
        processor=Processor.STRIPE, kind=MethodKind.CREDIT_CARD, reference=reference, **given
    )


def agreement(token: str) -> MethodDetails:
    """A PayPal agreement in Braintree's vault."""
    return MethodDetails(
        processor=Processor.BRAINTREE,
        kind=MethodKind.PAYPAL,
        reference=token,
        payer_email="payer@example.com",
        agreement_id="B-1",
    )


def linked(account_type: AccountType = AccountType.PAY_GO) -> World:
    """A known account with a Stripe customer."""
    world = registered(account_type)
    world.applied(LinkStripeCustomer(customer_id=CUSTOMER), Role.SERVICE)
    return world


def kept(world: World) -> PaymentMethods:
    """The account's methods."""
    found: PaymentMethods = world.parts[PART] or NO_METHODS
    return found


def mirrored(world: World) -> Subscriptions:
    """The account's subscriptions."""
    found: Subscriptions = world.parts[SUBSCRIPTIONS] or NO_SUBSCRIPTIONS
    return found


def method(world: World, method_id: str) -> PaymentMethod:
    """One method."""
    return kept(world).methods[method_id]


def default(world: World) -> str | None:
    """The id of the default method."""
    found = default_of(kept(world))
    return found.id if found else None


def adds_card(world: World, reference: str = "pm_1", **fields: Any) -> str:
    """A customer adds a card, which is pending; its id."""
    added = world.applied(
        AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD, payment_method=reference, **fields)
    )
    assert added.result is not None
    return str(added.result["id"])


def with_card(world: World, reference: str = "pm_1", **fields: Any) -> str:
    """A customer adds a card and Stripe keeps it; its id."""
    method_id = adds_card(world, reference, **fields)
    world.applied(PaymentMethodVaulted(method_id=method_id, details=card(reference), seen=reading(0)))
    return method_id


def with_paypal(world: World, **fields: Any) -> str:
    """A customer adds PayPal and Braintree keeps it; its id."""
    added = world.applied(AddPaymentMethod(method_kind=MethodKind.PAYPAL, **fields))
    assert added.result is not None
    method_id = str(added.result["id"])
    world.applied(PaymentMethodVaulted(method_id=method_id, details=agreement(method_id), seen=reading(0)))
    return method_id


def observed(
    seen: Observation, *, details: MethodDetails | None = None, customer: str | None = CUSTOMER
) -> StripeMethodObserved:
    """What Stripe shows of a method."""
    return StripeMethodObserved(details=details or card(), customer_id=customer, seen=seen)


def subscription(seen: Observation, **fields: Any) -> SubscriptionObserved:
    """What Stripe shows of a subscription: active, 20.00 a month."""
    given: dict[str, Any] = {
        "subscription": SUBSCRIPTION,
        "customer_id": CUSTOMER,
        "status": SubscriptionStatus.ACTIVE,
        "collection_method": CollectionMethod.CHARGE_AUTOMATICALLY,
        "items": (item(),),
        **fields,
    }
    return SubscriptionObserved(seen=seen, **given)


def item(**fields: Any) -> SubscriptionItem:
    """A plan of 20.00 a month."""
    given: dict[str, Any] = {
        "id": "si_1",
        "price": "price_1",
        "unit_amount": 2000,
        "currency": "usd",
        "period_end": datetime(2026, 12, 23, tzinfo=UTC),
        **fields,
    }
    return SubscriptionItem(**given)
