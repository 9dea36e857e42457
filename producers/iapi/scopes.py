"""What a service may do: one scope to read and one to write for each capability."""

from typing import Final

BILLING_STATE_READ: Final = "billing-state:read"
ACCOUNTS_READ: Final = "accounts:read"
ACCOUNTS_WRITE: Final = "accounts:write"
PROFILES_READ: Final = "profiles:read"
PROFILES_WRITE: Final = "profiles:write"
PAYMENT_METHODS_READ: Final = "payment-methods:read"
PAYMENT_METHODS_WRITE: Final = "payment-methods:write"
PAYPAL_BATCHES_READ: Final = "paypal-batches:read"
PAYPAL_BATCHES_WRITE: Final = "paypal-batches:write"
STRIPE_CUSTOMERS_READ: Final = "stripe-customers:read"
STRIPE_CUSTOMERS_WRITE: Final = "stripe-customers:write"

SCOPES: Final = frozenset(
    {
        BILLING_STATE_READ,
        ACCOUNTS_READ,
        ACCOUNTS_WRITE,
        PROFILES_READ,
        PROFILES_WRITE,
        PAYMENT_METHODS_READ,
        PAYMENT_METHODS_WRITE,
        PAYPAL_BATCHES_READ,
        PAYPAL_BATCHES_WRITE,
        STRIPE_CUSTOMERS_READ,
        STRIPE_CUSTOMERS_WRITE,
    }
)


def with_implied(scopes: frozenset[str]) -> frozenset[str]:
    """The scopes and what they imply: who may write may read."""
    readable = {scope.removesuffix(":write") + ":read" for scope in scopes if scope.endswith(":write")}
    return scopes | readable


def reading(message_type: str) -> str:
    """The scope to read what came of a command, by the capability in its type; none there is for what is no type."""
    return f"{message_type.partition('.')[2].partition('.')[0]}:read"
