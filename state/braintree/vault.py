"""What the vault keeps for an account: its customer, which has the account's id, and PayPal under our own tokens."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from braintree import CustomerSearch, ErrorResult, PayPalAccount, Transaction, TransactionSearch

from state.braintree.client import Caller, RefusedError
from state.braintree.declines import NOT_PAYPAL, declined
from state.stripe.answers import Answer, Done, Refused
from topics.payment_methods import MethodDetails, MethodKind, Processor

CREATE_CUSTOMER: Final = "POST /customers"
FIND_CUSTOMER: Final = "GET /customers"
CREATE: Final = "POST /payment_methods"
FIND: Final = "GET /payment_methods/any"
UPDATE: Final = "PUT /payment_methods/any"
DELETE: Final = "DELETE /payment_methods/any"
SEARCH: Final = "POST /transactions/advanced_search"
SEARCH_CUSTOMER_IDS: Final = "POST /customers/advanced_search_ids"
SEARCH_CUSTOMERS: Final = "POST /customers/advanced_search"

PAGE: Final = 50
"""The most customers that a search shows at once."""
SEARCHED: Final = 500
"""So many ids are asked for in one search; up to 10,000 would be found (searching/search-results)."""

_WENT_THROUGH: Final = (Transaction.Status.SettlementConfirmed, Transaction.Status.Settled)
"""What is only submitted, settling or pending may still be declined."""

ID_TAKEN: Final = "91609"
TOKENS_TAKEN: Final = frozenset({"92906", "91719"})


@dataclass(frozen=True, slots=True)
class Agreement:
    """A PayPal agreement in the vault. `token` is the method's id; `revoked` when its payer took it back."""

    token: str
    customer_id: str
    email: str
    agreement_id: str | None
    default: bool
    revoked: bool
    created_at: datetime | None = None

    @property
    def details(self) -> MethodDetails:
        """The same in our words."""
        return MethodDetails(
            processor=Processor.BRAINTREE,
            kind=MethodKind.PAYPAL,
            reference=self.token,
            payer_email=self.email or None,
            agreement_id=self.agreement_id,
            created_at=self.created_at,
        )


async def customer_there(ask: Caller, customer_id: str) -> Answer[str]:
    """The customer with this id, made if it was not there: doing it twice is doing it once."""

    def create(gateway: Any) -> str:
        result = gateway.customer.create({"id": customer_id})
        if isinstance(result, ErrorResult) and ID_TAKEN not in _codes(result):
            raise RefusedError(_refused(result))
        return customer_id

    return await ask.call(CREATE_CUSTOMER, create)


async def vault(ask: Caller, customer_id: str, token: str, secrets: Mapping[str, str]) -> Answer[Agreement]:
    """The agreement behind a nonce, kept under `token`. A token that is taken is found, not made again."""

    def create(gateway: Any) -> Agreement:
        given = {
            "customer_id": customer_id,
            "payment_method_nonce": secrets["nonce"],
            "token": token,
            **({"device_data": secrets["device_data"]} if secrets.get("device_data") else {}),
        }
        result = gateway.payment_method.create(given)
        if not isinstance(result, ErrorResult):
            return _agreement(result.payment_method)
        if TOKENS_TAKEN & set(_codes(result)):
            return _agreement(gateway.payment_method.find(token))
        raise RefusedError(_refused(result))

    return await ask.call(CREATE, create)


async def first_charge(ask: Caller, token: str, since: datetime) -> Answer[datetime | None]:
    """When the first payment with a token since then was made that went through; None while there is none."""

    def search(gateway: Any) -> datetime | None:
        found = gateway.transaction.search(
            TransactionSearch.payment_method_token == token,
            TransactionSearch.status.in_list(list(_WENT_THROUGH)),
        )
        made = (one.created_at.replace(tzinfo=UTC) for one in found.items)
        return min((at for at in made if at >= since.replace(microsecond=0)), default=None)

    return await ask.call(SEARCH, search)


async def find(ask: Caller, token: str) -> Answer[Agreement]:
    """The agreement under a token; one that is not there is `missing`."""
    return await ask.call(FIND, lambda gateway: _agreement(gateway.payment_method.find(token)))


async def agreements(ask: Caller, customer_id: str) -> Answer[tuple[Agreement, ...]]:
    """All PayPal agreements of a customer; a customer that is not there is `missing`."""
    return await ask.call(
        FIND_CUSTOMER,
        lambda gateway: tuple(map(_agreement, _paypal(gateway.customer.find(customer_id)))),
    )


async def customers_there(ask: Caller, customer_ids: Sequence[str]) -> Answer[tuple[str, ...]]:
    """Which of up to `SEARCHED` customers there are, in one request that shows nothing else of them."""
    named = CustomerSearch.ids.in_list(list(customer_ids))
    return await ask.call(
        SEARCH_CUSTOMER_IDS, lambda gateway: tuple(map(str, gateway.customer.search(named).ids))
    )


async def agreements_of(
    ask: Caller, customer_ids: Sequence[str]
) -> Answer[Mapping[str, tuple[Agreement, ...]]]:
    """All PayPal agreements of up to a page of customers, in two requests; who is not there is left out.

    A search may be a little behind what `agreements` reads: developer.paypal.com/braintree, "Customer: Search".
    """
    named = CustomerSearch.ids.in_list(list(customer_ids))
    found = await ask.call(SEARCH_CUSTOMER_IDS, lambda gateway: gateway.customer.search(named))
    if not isinstance(found, Done):
        return found
    if not found.value.ids:
        return Done({})
    return await ask.call(
        SEARCH_CUSTOMERS,
        lambda _: {str(one.id): tuple(map(_agreement, _paypal(one))) for one in found.value.items},
    )


def _paypal(customer: Any) -> Iterable[Any]:
    """The SDK gives a customer without PayPal no such attribute when the answer leaves the list out."""
    return getattr(customer, "paypal_accounts", ())


async def make_default(ask: Caller, token: str) -> Answer[Agreement]:
    """The agreement as its customer's default."""

    def update(gateway: Any) -> Agreement:
        result = gateway.payment_method.update(token, {"options": {"make_default": True}})
        if isinstance(result, ErrorResult):
            raise RefusedError(_refused(result))
        return _agreement(result.payment_method)

    return await ask.call(UPDATE, update)


async def delete(ask: Caller, token: str) -> Answer[None]:
    """The token is not in the vault any more; one that was not there is `missing`."""

    def remove(gateway: Any) -> None:
        gateway.payment_method.delete(token)

    return await ask.call(DELETE, remove)


def _agreement(found: Any) -> Agreement:
    if not isinstance(found, PayPalAccount):
        raise RefusedError(declined(NOT_PAYPAL, "the token is not PayPal's"))
    return Agreement(
        token=str(found.token),
        customer_id=str(found.customer_id),
        email=str(found.email or ""),
        agreement_id=str(found.billing_agreement_id) if found.billing_agreement_id else None,
        default=bool(found.default),
        revoked=found.revoked_at is not None,
        created_at=found.created_at.replace(tzinfo=UTC) if found.created_at else None,
    )


def _codes(result: ErrorResult) -> list[str]:
    return [str(error.code) for error in result.errors.deep_errors]


def _refused(result: ErrorResult) -> Refused:
    """A processor's word comes first, then what Braintree itself objects to."""
    verification = result.credit_card_verification
    if verification is not None and verification.processor_response_code:
        return declined(
            str(verification.processor_response_code), str(verification.processor_response_text or "")
        )
    errors = result.errors.deep_errors
    if errors:
        return declined(str(errors[0].code), str(errors[0].message))
    return declined("unknown", str(result.message))
