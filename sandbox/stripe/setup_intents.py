"""Setup intents: a method confirmed for later charges, with its bank's word and its owner's.

Source: docs.stripe.com/api/setup_intents.
"""

import secrets
from typing import Any

from sandbox.stripe import events, lists, metadata, objects, params, payer_actions, payment_methods
from sandbox.stripe.endpoint import EXPAND, Call, Endpoint
from sandbox.stripe.errors import ApiError, no_such
from sandbox.stripe.ids import new_id
from sandbox.stripe.objects import Body
from sandbox.stripe.params import text
from sandbox.stripe.payment_methods import OF_CUSTOMER
from sandbox.stripe.store import Store

KIND = "setup_intent"
UNMET, UNCONFIRMED, ACTION = "requires_payment_method", "requires_confirmation", "requires_action"
SUCCEEDED, CANCELED = "succeeded", "canceled"
_CANCELABLE = (UNMET, UNCONFIRMED, ACTION)
_AUTOMATIC = params.table({"enabled": params.boolean, "allow_redirects": params.choice("always", "never")})
_MANDATE = params.table(
    {
        "customer_acceptance": params.table(
            {
                "type": params.choice("offline", "online"),
                "accepted_at": params.integer,
                "offline": params.table({}),
            }
        )
    }
)
_CHANGEABLE: params.Schema = {
    "customer": text(),
    "description": text(),
    "metadata": metadata.read,
    "payment_method": text(),
    "payment_method_types": params.array(params.choice(*payment_methods.TYPES)),
    **EXPAND,
}
_CONFIRM: params.Schema = {"mandate_data": _MANDATE, "payment_method": text(), "return_url": text(), **EXPAND}
_CREATE: params.Schema = {
    **_CHANGEABLE,
    **_CONFIRM,
    "automatic_payment_methods": _AUTOMATIC,
    "confirm": params.boolean,
    "usage": params.choice("off_session", "on_session"),
}
_CANCEL: params.Schema = {
    "cancellation_reason": params.choice("abandoned", "duplicate", "requested_by_customer"),
    **EXPAND,
}


def _new(at: float) -> Body:
    id_ = new_id("seti", 24)
    unset = (
        *(
            "allowed_payment_method_types",
            "application",
            "attach_to_self",
            "automatic_payment_methods",
            "cancellation_reason",
            "customer",
        ),
        *("customer_account", "description", "excluded_payment_method_types", "flow_directions"),
        *("last_setup_error", "latest_attempt", "mandate", "next_action", "on_behalf_of", "payment_method"),
        *("payment_method_configuration_details", "single_use_mandate"),
    )
    return {
        "id": id_,
        "object": KIND,
        **dict.fromkeys(unset),
        "attach_to_self": False,
        "client_secret": f"{id_}_secret_{secrets.token_urlsafe(18).replace('-', 'x').replace('_', 'y')}",
        "created": int(at),
        "livemode": False,
        "metadata": {},
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "status": UNMET,
        "usage": "off_session",
    }


def _create(call: Call) -> Any:
    given = call.given
    body = _new(call.at)
    if given.get("automatic_payment_methods"):
        body["automatic_payment_methods"] = {
            "allow_redirects": "always",
            **given["automatic_payment_methods"],
        }
        body["payment_method_types"] = list(payment_methods.TYPES)
    body = _changed(call.store, body, given, call.at)
    body["usage"] = given.get("usage") or "off_session"
    objects.insert(call.store, body, call.at)
    events.emit(call.store, at=call.at, type="setup_intent.created", body=body)
    return confirmed(call.store, body, given, call.at) if given.get("confirm") else body


def _changed(store: Store, body: Body, given: Body, at: float) -> Body:
    after = dict(body)
    if given.get("payment_method_types"):
        after["payment_method_types"] = given["payment_method_types"]
    if given.get("customer"):
        customer = objects.find(store, "customer", given["customer"])
        if customer is None or customer.deleted:
            raise no_such("customer", given["customer"], param="customer", status=400)
        after["customer"] = given["customer"]
    if given.get("payment_method"):
        method = payment_methods.named(store, given["payment_method"], at)
        _check_type(method, after["payment_method_types"])
        if method["customer"] not in (None, after["customer"]):
            raise ApiError(
                400,
                "The provided PaymentMethod cannot be attached. It belongs to another customer.",
                param="payment_method",
                executed=True,
            )
        after |= {"payment_method": method["id"], "status": UNCONFIRMED}
    if "description" in given:
        after["description"] = given["description"]
    if "metadata" in given:
        after["metadata"] = metadata.merged(body["metadata"], given["metadata"])
    return after


def _check_type(method: Body, allowed: list[str]) -> None:
    """Raises ApiError for a method that is of none of the intent's types."""
    if method["type"] not in allowed:
        kind = method["type"]
        raise ApiError(
            400,
            f"The PaymentMethod provided ({kind}) is not allowed for this SetupIntent. Please attach a PaymentMethod "
            f"of one of the following types: {', '.join(allowed)}. Alternatively update the allowed "
            f'payment_method_types for this SetupIntent to include "{kind}".',
            code="setup_intent_invalid_parameter",
            executed=True,
        )


def confirmed(store: Store, body: Body, given: Body, at: float) -> Any:
    """The intent after its method's bank was asked: succeeded, to be authenticated, or the error of a decline.

    An error is returned, not raised: the intent stays, and says why.
    """
    body = _stored(
        store, body, _changed(store, body, {"payment_method": given.get("payment_method")}, at), at
    )
    if body["payment_method"] is None:
        return ApiError(
            400,
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a "
            "payment method and then confirm it again.",
            code="setup_intent_unexpected_state",
            executed=True,
        )
    method = payment_methods.named(store, body["payment_method"], at)
    if method.get("_detached"):
        return _failed(
            store, body, method, ApiError(400, _DETACHED, code="payment_method_unexpected_state"), at
        )
    if method["type"] != "card" and not (given.get("mandate_data")):
        return _without_mandate(method["type"])
    card = payment_methods.card_of(method)
    action = payer_actions.of(method["type"], body["id"], at)
    if card and card.authenticates:
        action = payer_actions.of_bank(body, given.get("return_url"))
    if action:
        waiting = {**body, "status": ACTION, "next_action": action, "last_setup_error": None}
        return _stored(store, body, waiting, at, "setup_intent.requires_action")
    if card and card.declined:
        return _failed(store, body, method, payment_methods.declined(card), at)
    return succeed(store, body, at)


_DETACHED = (
    "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, "
    "and may not be used again."
)


def succeed(store: Store, body: Body, at: float) -> Body:
    """The intent with its method attached to its customer."""
    method = payment_methods.named(store, body["payment_method"], at)
    if body["customer"]:
        payment_methods.attach(store, method, body["customer"], at)
    done = {
        **body,
        "status": SUCCEEDED,
        "next_action": None,
        "last_setup_error": None,
        "mandate": new_id("mandate", 24) if method["type"] != "card" else None,
        "latest_attempt": new_id("setatt", 24),
    }
    return _stored(store, body, done, at, "setup_intent.succeeded")


def authenticated(store: Store, body: Body, at: float, *, passed: bool) -> Body:
    """What comes of the owner's word: success, or a failure after which another method may be tried."""
    method = payment_methods.named(store, body["payment_method"], at)
    card = payment_methods.card_of(method)
    if passed and not (card and card.declined):
        return succeed(store, body, at)
    error = (
        payment_methods.declined(card)
        if passed and card
        else ApiError(402, _UNAUTHENTICATED, code="setup_intent_authentication_failure")
    )
    _failed(store, body, method, error, at)
    found = objects.find(store, KIND, body["id"])
    assert found is not None
    return found.body


_UNAUTHENTICATED = (
    "We are unable to authenticate your payment method. Please choose a different payment method and try "
    "again."
)


def _failed(store: Store, body: Body, method: Body, error: ApiError, at: float) -> ApiError:
    shown = {**error.details(), "payment_method": payment_methods.shown(method)}
    after = {**body, "status": UNMET, "payment_method": None, "next_action": None, "last_setup_error": shown}
    after = _stored(store, body, after, at, "setup_intent.setup_failed")
    error.executed = True
    error.more |= {"payment_method": payment_methods.shown(method), "setup_intent": after}
    return error


def _without_mandate(type_: str) -> ApiError:
    return ApiError(
        400,
        f"When confirming a SetupIntent with a `{type_}` PaymentMethod, `mandate_data` is required.",
        code="parameter_missing",
        param="mandate_data",
        executed=True,
    )


def _stored(store: Store, old: Body, body: Body, at: float, event: str | None = None) -> Body:
    objects.update(store, old, body, at)
    if event:
        events.emit(store, at=at, type=event, body=body)
    return body


def _found(call: Call) -> Body:
    found = objects.find(call.store, KIND, call.ids[0])
    if found is None:
        raise no_such("setupintent", call.ids[0], param="intent")
    return found.body


def _update(call: Call) -> Body:
    old = _found(call)
    return _stored(call.store, old, _changed(call.store, old, call.given, call.at), call.at)


def _confirm(call: Call) -> Any:
    old = _found(call)
    if old["status"] in (SUCCEEDED, CANCELED):
        raise _unexpected(f"You cannot confirm this SetupIntent because it has a status of {old['status']}.")
    return confirmed(call.store, old, call.given, call.at)


def _cancel(call: Call) -> Body:
    old = _found(call)
    if old["status"] not in _CANCELABLE:
        raise _unexpected(
            f"You cannot cancel this SetupIntent because it has a status of {old['status']}. Only a SetupIntent with "
            "one of the following statuses may be canceled: requires_payment_method, requires_capture, "
            "requires_reauthorization, requires_confirmation, requires_action."
        )
    reason = call.given.get("cancellation_reason")
    body = {**old, "status": CANCELED, "cancellation_reason": reason, "next_action": None}
    return _stored(call.store, old, body, call.at, "setup_intent.canceled")


def _unexpected(message: str) -> ApiError:
    return ApiError(400, message, code="setup_intent_unexpected_state", executed=True)


def _list(call: Call) -> dict[str, Any]:
    signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    where = [(f"created {signs[name]} ?", value) for name, value in call.given.get("created", {}).items()]
    if call.given.get("customer"):
        where.append((OF_CUSTOMER, call.given["customer"]))
    return lists.page(call.store, KIND, call.given, url=_MANY, where=tuple(where))


_MANY, _ONE = "/v1/setup_intents", "/v1/setup_intents/{intent}"
_FILTERS: params.Schema = {**lists.PAGING, "created": params.one_or_range, "customer": text()}
ENDPOINTS = [
    Endpoint("POST", _MANY, _create, _CREATE),
    Endpoint("GET", _MANY, _list, _FILTERS, listed=True),
    Endpoint("GET", _ONE, _found, {"client_secret": text(), **EXPAND}),
    Endpoint("POST", _ONE, _update, _CHANGEABLE),
    Endpoint("POST", _ONE + "/confirm", _confirm, _CONFIRM),
    Endpoint("POST", _ONE + "/cancel", _cancel, _CANCEL),
]
