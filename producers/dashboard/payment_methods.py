"""D7-D13, payment methods: as the official client sends them and expects them back."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel
from starlette.responses import Response

from handlers.payment_method import NO_METHODS, PaymentMethods, living, view
from producers.http.commands import ask
from producers.http.endpoints import Endpoint, Example, Visit
from producers.http.envelope import answer
from producers.http.errors import no_such_account, not_found
from producers.http.paging import QUERY, paged
from producers.payment_methods import (
    MethodEdited,
    MethodGiven,
    MethodRemoved,
    MethodShown,
    SetupShown,
    method_id,
)
from state.postgres import accounts, payment_methods
from state.postgres.api_tokens import READ, WRITE
from topics.codes import Code
from topics.payment_methods import (
    RemovePaymentMethod,
    SetDefaultPaymentMethod,
    StartPaymentMethodSetup,
)

PATH: Final = "/accounts/{account_id}/payment-methods"
ONE: Final = PATH + "/{method_id}"


class SecretShown(BaseModel):
    """What a page needs to collect a method with Stripe.js."""

    client_secret: str


async def listed(visit: Visit) -> Response:
    """All payment methods, in the order in which they are charged."""
    return paged(visit.request, [view(one) for one in living(await _methods(visit))])


async def get(visit: Visit) -> Response:
    """One payment method."""
    method = (await _methods(visit)).methods.get(visit.path("method_id"))
    if method is None or method.gone:
        raise not_found("There is no such payment method.")
    return answer(view(method))


async def create(visit: Visit, given: MethodGiven) -> Response:
    """Keep a payment method. A card that asks for authentication is answered with a client secret to confirm."""
    return await ask(visit, given.command(), secrets=given.secrets())


async def edit(visit: Visit, given: MethodEdited) -> Response:
    """Change name and address on a method, or make it the default; what is not named stays."""
    return await ask(visit, given.command(method_id(visit.path("method_id"))))


async def remove(visit: Visit) -> Response:
    """Take a method away. Refused while subscriptions need it (1306) or transactions are in progress (1307)."""
    return await ask(visit, RemovePaymentMethod(method_id=method_id(visit.path("method_id"))))


async def set_default(visit: Visit) -> Response:
    """Charge this method first from now on."""
    return await ask(visit, SetDefaultPaymentMethod(method_id=method_id(visit.path("method_id"))))


async def client_secret(visit: Visit) -> Response:
    """Begin to collect a method: the client secret is for Stripe.js, and good for an hour."""
    return await ask(visit, StartPaymentMethodSetup())


async def profile_method(visit: Visit) -> Response:
    """The same, as the public client asks for it beside the billing profile."""
    return await ask(visit, StartPaymentMethodSetup())


async def _methods(visit: Visit) -> PaymentMethods:
    ids = [visit.account_id]
    async with visit.surface.snapshot() as connection:
        record = (await accounts.load(connection, ids)).get(visit.account_id)
        methods = (await payment_methods.load(connection, ids)).get(visit.account_id)
    if record is None:
        raise no_such_account()
    return methods or NO_METHODS


_METHOD: Final = "019ab0d26f2c7a318c1e3f5b1d2a9c44"
_BILLING: Final = {
    "nick_name": "Team card",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "address": "101 Townsend Street",
    "city": "San Francisco",
    "state": "CA",
    "zipcode": "94107",
    "country": "US",
}
RESULT: Final[Mapping[str, Any]] = {
    "id": _METHOD,
    "type": "CREDIT_CARD",
    "status": "active",
    "default": True,
    **_BILLING,
    "last_four": "4242",
    "expiration_date": "12/2030",
    "brand": "visa",
    "payment_gateway": "STRIPE",
    "version": 2,
}
GIVEN: Final = {"type": "CREDIT_CARD", "payment_nonce": "pm_1PzXq1LkdIwHu7ixYzAbCdEf", **_BILLING}
_SECRET: Final = "seti_1PzXq2LkdIwHu7ixUEgbFdYF_secret_RbW5hV"  # noqa: S105

ENDPOINTS: Final = (
    Endpoint(
        "GET",
        PATH,
        listed,
        "List the payment methods",
        scope=READ,
        result=list[MethodShown],
        query=QUERY,
        example=Example(result=[RESULT]),
    ),
    Endpoint(
        "POST",
        PATH,
        create,
        "Add a payment method",
        scope=WRITE,
        command=True,
        body=MethodGiven,
        result=MethodShown,
        example=Example(body=GIVEN, result=RESULT),
        refusals=(
            Code.NO_VALID_PAYMENT_METHOD,
            Code.PAYMENT_METHOD_LIMIT,
            Code.ACCOUNT_TYPE_EXCLUDED,
            Code.MERGED_ACCOUNT,
        ),
    ),
    Endpoint(
        "GET",
        ONE,
        get,
        "Show a payment method",
        scope=READ,
        result=MethodShown,
        example=Example(result=RESULT),
    ),
    Endpoint(
        "PUT",
        ONE,
        edit,
        "Change a payment method",
        scope=WRITE,
        command=True,
        body=MethodEdited,
        result=MethodShown,
        example=Example(
            body={"nick_name": "Old card"}, result={**RESULT, "nick_name": "Old card", "version": 3}
        ),
        refusals=(Code.NO_VALID_PAYMENT_METHOD, Code.VERSION_CONFLICT, Code.MERGED_ACCOUNT),
    ),
    Endpoint(
        "DELETE",
        ONE,
        remove,
        "Remove a payment method",
        scope=WRITE,
        command=True,
        result=MethodRemoved,
        example=Example(result={"id": _METHOD}),
        refusals=(Code.PAYMENT_METHOD_IN_USE, Code.TRANSACTIONS_IN_PROGRESS, Code.MERGED_ACCOUNT),
    ),
    Endpoint(
        "POST",
        ONE + "/set-as-default",
        set_default,
        "Make a payment method the default",
        scope=WRITE,
        command=True,
        result=MethodShown,
        example=Example(result=RESULT),
        refusals=(Code.NO_VALID_PAYMENT_METHOD, Code.MERGED_ACCOUNT),
    ),
    Endpoint(
        "POST",
        "/accounts/{account_id}/client-secret",
        client_secret,
        "Begin to collect a payment method",
        scope=WRITE,
        command=True,
        result=SecretShown,
        example=Example(result={"client_secret": _SECRET}),
        refusals=(Code.NO_VALID_PAYMENT_METHOD, Code.PAYMENT_METHOD_LIMIT, Code.MERGED_ACCOUNT),
    ),
    Endpoint(
        "POST",
        "/accounts/{account_id}/billing/profile/payment-method",
        profile_method,
        "Begin to collect a payment method for the billing profile",
        scope=WRITE,
        command=True,
        result=SetupShown,
        example=Example(result={"client_secret": _SECRET, "intent_type": "setup_intent"}),
        refusals=(Code.NO_VALID_PAYMENT_METHOD, Code.PAYMENT_METHOD_LIMIT, Code.MERGED_ACCOUNT),
    ),
)
