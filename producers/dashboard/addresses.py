"""D6, address validation: suggestions in the country's own spelling, offered and never applied."""

from dataclasses import asdict
from typing import Final

from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from handlers.profile_rules import Suggestion, suggest
from producers.http.endpoints import Endpoint, Example, Visit
from producers.http.envelope import answer
from topics.profiles import Text


class AddressGiven(BaseModel):
    """An address as somebody typed it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    address: Text | None = None
    address2: Text | None = None
    city: Text | None = None
    state: Text | None = None
    zipcode: Text | None = None
    country: Text | None = None


class AddressesSuggested(BaseModel):
    """The most certain suggestion first; empty when no part of an address was given."""

    validated_addresses: list[Suggestion]


async def validate(_visit: Visit, given: AddressGiven) -> Response:
    """Check an address against its country's rules and suggest how to write it.

    `validation_code` is `verified` when nothing would change, `corrected` when the suggestion differs
    from what was sent, `unverifiable` when parts are wrong, missing or do not fit together. Whether the
    street exists is not known. No credentials are needed: it is used before an account exists.
    """
    suggestions = [asdict(suggestion) for suggestion in suggest(given.model_dump())]
    return answer({"validated_addresses": suggestions})


_GIVEN: Final = {
    "address": "101 Townsend Street",
    "city": "san francisco",
    "state": "California",
    "zipcode": "94107",
    "country": "US",
}
_SUGGESTED: Final = {
    "address": "101 Townsend Street",
    "address2": None,
    "city": "San Francisco",
    "state": "CA",
    "zipcode": "94107",
    "country": "US",
    "validation_code": "corrected",
}

ENDPOINTS: Final = (
    Endpoint(
        "POST",
        "/billing/address-validation",
        validate,
        "Suggest how to write an address",
        credentials=False,
        body=AddressGiven,
        result=AddressesSuggested,
        example=Example(body=_GIVEN, result={"validated_addresses": [_SUGGESTED]}),
    ),
)
