"""What Stripe says when it refuses: status, body and headers of every error, in Stripe's own words.

Wordings are Stripe's as observed on the wire; the four values of `type` are those of its OpenAPI.
Sources: docs.stripe.com/api/errors, docs.stripe.com/error-low-level, docs.stripe.com/rate-limits.
"""

from typing import Any

DOCS = "https://stripe.com/docs"
NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, using "
    "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
    "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/."
)


class ApiError(Exception):
    """An error answer of the API.

    `more` are further fields of it. `executed` tells that the endpoint had begun to work, so an idempotency key
    remembers this answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type_: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
        executed: bool = False,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type_
        self.code = code
        self.param = param
        self.headers = headers or {}
        self.executed = executed
        self.more = more or {}

    def details(self) -> dict[str, Any]:
        """What is wrong, as an object keeps it (`last_setup_error`)."""
        found: dict[str, Any] = {**self.more, "message": self.message, "type": self.type}
        if self.code:
            found |= {"code": self.code, "doc_url": f"{DOCS}/error-codes/{self.code.replace('_', '-')}"}
        return found

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        """The JSON body. Stripe leaves out what is null; a 401 links no request log, it knows no account."""
        error: dict[str, Any] = {}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"{DOCS}/error-codes/{self.code.replace('_', '-')}"
        error["message"] = self.message
        if self.param:
            error["param"] = self.param
        if self.status != 401:
            error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}?t={int(at)}"
        error["type"] = self.type
        return {"error": {**error, **self.more}}


def unauthorized(key: str | None) -> ApiError:
    """401: no key, or one that is not ours; the key is masked as Stripe masks it."""
    if not key:
        return ApiError(401, NO_KEY)
    shown = key[:8] + "*" * max(len(key) - 12, 0) + key[-4:] if len(key) > 12 else "*" * len(key)
    return ApiError(401, f"Invalid API Key provided: {shown}")


def unknown_version(version: str) -> ApiError:
    """400: a `Stripe-Version` that this double does not speak."""
    return ApiError(400, f"Invalid Stripe API version: {version}")


def unrecognized_url(method: str, path: str) -> ApiError:
    """404: no such endpoint; a trailing slash gets Stripe's advice on empty ids."""
    hint = ""
    if path.endswith("/"):
        hint = (
            " If you are trying to list objects, remove the trailing slash. If you are trying to retrieve an "
            "object, make sure you passed a valid (non-empty) identifier in your code."
        )
    return ApiError(
        404,
        f"Unrecognized request URL ({method}: {path}).{hint} Please see {DOCS} or we can help at "
        "https://support.stripe.com/.",
    )


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> ApiError:
    """400 before execution: a parameter that cannot be read."""
    return ApiError(400, message, param=param, code=code)


def unknown_parameters(names: list[str]) -> ApiError:
    """400 `parameter_unknown`, naming them all; `param` is the first."""
    plural = "s" if len(names) > 1 else ""
    message = f"Received unknown parameter{plural}: {', '.join(names)}"
    return invalid(message, param=names[0], code="parameter_unknown")


def missing_parameter(name: str) -> ApiError:
    """400 `parameter_missing`."""
    return invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")


def no_such(kind: str, id_: str, *, param: str = "id", status: int = 404) -> ApiError:
    """`resource_missing`: 404 when the path names the object, 400 when a parameter does."""
    return ApiError(
        status, f"No such {kind}: '{id_}'", code="resource_missing", param=param, executed=status == 404
    )


def cannot_expand(path: str, *, hint: str = "") -> ApiError:
    """400: a property that is no expandable one; lists hint at their `data.` prefix."""
    advice = f" You may want to try expanding '{hint}.{path}' instead." if hint else ""
    return invalid(f"This property cannot be expanded ({path}).{advice}")


def key_too_long(length: int) -> ApiError:
    """400: idempotency keys have at most 255 characters."""
    return invalid(f"Idempotency keys must be at most 255 characters long; this one has {length}.")


def key_of_other_parameters(key: str) -> ApiError:
    """400 `idempotency_error`: the key belongs to a request with other parameters."""
    return ApiError(
        400,
        "Keys for idempotent requests can only be used with the same parameters they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request.",
        type_="idempotency_error",
    )


def key_of_other_endpoint(key: str, path: str, first: str) -> ApiError:
    """400 `idempotency_error`: the key belongs to a request to another endpoint."""
    return ApiError(
        400,
        "Keys for idempotent requests can only be used for the same endpoint they were first used for "
        f"('{path}' vs '{first}'). Try using a key other than '{key}' if you meant to execute a different "
        "request.",
        type_="idempotency_error",
    )


def key_in_use(key: str) -> ApiError:
    """409 `idempotency_key_in_use`: the first request with this key has not ended."""
    return ApiError(
        409,
        "There is currently another in-progress request using this Idempotent Key (that probably means you "
        f"submitted twice, and the other request is still going through): {key}. Please try again later.",
        code="idempotency_key_in_use",
    )


def rate_limited(reason: str) -> ApiError:
    """429 of a limiter, `reason` in its header; Stripe sends no Retry-After, and its clients do not retry."""
    return ApiError(
        429,
        f"Request rate limit exceeded. Learn more about rate limits here {DOCS}/rate-limits.",
        code="rate_limit",
        headers={"Stripe-Rate-Limited-Reason": reason},
    )


def lock_timeout() -> ApiError:
    """429 of an object lock: no limiter's header, and clients are told to retry."""
    return ApiError(
        429,
        "This object cannot be accessed right now because another API request or Stripe process is currently "
        "accessing it. If you see this error intermittently, retry the request. If you see this error "
        "frequently and are making multiple concurrent requests to a single object, make your requests "
        "serially or at a lower rate.",
        code="lock_timeout",
        headers={"Stripe-Should-Retry": "true"},
    )


def server_error(*, executed: bool) -> ApiError:
    """500. One that a key remembers says so: repeating it would only replay it."""
    return ApiError(
        500,
        "Sorry! There was an error while talking to one of our backends. We have already been notified of "
        "the problem, but please contact support@stripe.com with any questions you may have.",
        type_="api_error",
        headers={"Stripe-Should-Retry": "false"} if executed else {},
        executed=executed,
    )
