"""A17-A22, payment methods for other services: list, default, add, remove, choose, and the gate."""

from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel
from starlette.responses import Response

from handlers.payment_gate import gate
from handlers.payment_method import NO_METHODS, PaymentMethods, default_of, living, view
from producers.http.commands import ask
from producers.http.endpoints import Endpoint, Example, Visit
from producers.http.envelope import answer
from producers.http.errors import ApiError, no_such_account, not_found
from producers.http.paging import QUERY, paged
from producers.iapi.scopes import PAYMENT_METHODS_READ, PAYMENT_METHODS_WRITE
from producers.payment_methods import MethodGiven, MethodRemoved, MethodShown, method_id
from state.postgres import accounts, payment_methods
from topics.codes import Code
from topics.payment_methods import RemovePaymentMethod, SetDefaultPaymentMethod

PATH: Final = "/accounts/{account_id}/payment-methods"


class Checked(BaseModel):
    """What would be charged. Without a usable method the answer is 402 with code 1210 and a way out."""

    passes: bool
    method_id: str


async def listed(visit: Visit) -> Response:
    """All payment methods, in the order in which they are charged."""
    return paged(visit.request, [view(one) for one in living(await methods_of(visit))])


async def default(visit: Visit) -> Response:
    """The method that is charged first."""
    found = default_of(await methods_of(visit))
    if found is None:
        raise not_found("The account has no usable payment method, and so no default.")
    return answer(view(found))


async def add(visit: Visit, given: MethodGiven) -> Response:
    """Keep a payment method."""
    return await ask(visit, given.command(), secrets=given.secrets())


async def remove(visit: Visit) -> Response:
    """Take a method away, unless something needs it."""
    return await ask(visit, RemovePaymentMethod(method_id=method_id(visit.path("method_id"))))


async def set_default(visit: Visit) -> Response:
    """Charge this method first from now on."""
    return await ask(visit, SetDefaultPaymentMethod(method_id=method_id(visit.path("method_id"))))


async def check(visit: Visit) -> Response:
    """The gate: may subscriptions be changed? 402 with 1210 and a way out when nothing can be charged."""
    verdict = gate(await methods_of(visit), datetime.now(UTC))
    if not verdict.passes:
        raise ApiError(Code.NO_VALID_PAYMENT_METHOD, f"{verdict.reason} {verdict.way_out}")
    return answer({"passes": True, "method_id": verdict.method_id})


async def methods_of(visit: Visit) -> PaymentMethods:
    """The account's methods. Raises 1404 for an account nobody has."""
    ids = [visit.account_id]
    async with visit.surface.snapshot() as connection:
        record = (await accounts.load(connection, ids)).get(visit.account_id)
        methods = (await payment_methods.load(connection, ids)).get(visit.account_id)
    if record is None:
        raise no_such_account()
    return methods or NO_METHODS


_METHOD: Final = "019ab0d26f2c7a318c1e3f5b1d2a9c44"
_RESULT: Final[dict[str, Any]] = {
    "id": _METHOD,
    "type": "PAYPAL",
    "status": "active",
    "default": True,
    "payment_gateway": "BRAINTREE",
    "payment_email": "payer@example.com",
    "payment_account_email": "payer@example.com",
    "version": 2,
}
_GIVEN: Final = {"type": "PAYPAL", "payment_nonce": "a nonce of Braintree", "device_data": "{}"}

ENDPOINTS: Final = (
    Endpoint(
        "GET",
        PATH,
        listed,
        "List the payment methods",
        scope=PAYMENT_METHODS_READ,
        result=list[MethodShown],
        query=QUERY,
        example=Example(result=[_RESULT]),
    ),
    Endpoint(
        "GET",
        PATH + "/default",
        default,
        "Show the default payment method",
        scope=PAYMENT_METHODS_READ,
        result=MethodShown,
        example=Example(result=_RESULT),
    ),
    Endpoint(
        "POST",
        PATH,
        add,
        "Add a payment method",
        scope=PAYMENT_METHODS_WRITE,
        command=True,
        body=MethodGiven,
        result=MethodShown,
        example=Example(body=_GIVEN, result=_RESULT),
        refusals=(
            Code.NO_VALID_PAYMENT_METHOD,
            Code.PAYMENT_METHOD_LIMIT,
            Code.ACCOUNT_TYPE_EXCLUDED,
            Code.MERGED_ACCOUNT,
        ),
    ),
    Endpoint(
        "POST",
        PATH + "/check",
        check,
        "Ask whether there is a method to charge",
        scope=PAYMENT_METHODS_READ,
        result=Checked,
        example=Example(result={"passes": True, "method_id": _METHOD}),
        refusals=(Code.NO_VALID_PAYMENT_METHOD,),
    ),
    Endpoint(
        "DELETE",
        PATH + "/{method_id}",
        remove,
        "Remove a payment method",
        scope=PAYMENT_METHODS_WRITE,
        command=True,
        result=MethodRemoved,
        example=Example(result={"id": _METHOD}),
        refusals=(Code.PAYMENT_METHOD_IN_USE, Code.TRANSACTIONS_IN_PROGRESS, Code.MERGED_ACCOUNT),
    ),
    Endpoint(
        "POST",
        PATH + "/{method_id}/set-as-default",
        set_default,
        "Make a payment method the default",
        scope=PAYMENT_METHODS_WRITE,
        command=True,
        result=MethodShown,
        example=Example(result=_RESULT),
        refusals=(Code.NO_VALID_PAYMENT_METHOD, Code.MERGED_ACCOUNT),
    ),
)
