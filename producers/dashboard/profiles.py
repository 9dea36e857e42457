"""D1-D5, the billing profile: as the official client sends it and expects it back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, model_validator
from starlette.responses import Response

from handlers import profiles as rules
from handlers.profile_copies import copies
from producers.http.commands import ask
from producers.http.endpoints import Endpoint, Example, Visit
from producers.http.envelope import answer
from producers.http.errors import no_such_account, not_found
from producers.http.surface import View
from producers.profile_copies import NO_COPIES, ProfileCopies
from producers.profile_fields import NOT_PATCHED
from state.postgres import profiles
from state.postgres.api_tokens import READ, WRITE
from topics.accounts import Version
from topics.codes import Code
from topics.profiles import (
    CreateProfile,
    DeleteProfile,
    PatchProfile,
    ProfileFields,
    ReplaceProfile,
    UpsertProfile,
)

PATH: Final = "/accounts/{account_id}/billing/profile"

Unused = Annotated[Any, Field(default=None, exclude=True, repr=False)]
"""Sent by the public client, not needed here: API tokens prove more than a solved challenge."""


class ProfileShown(ProfileFields, ProfileCopies):
    """A billing profile. What is not known of it is left out or null."""

    model_config = ConfigDict(extra="forbid")

    id: str
    account_type: str
    version: int
    created_on: datetime
    edited_on: datetime


READ_ONLY: Final = frozenset(ProfileShown.model_fields) - frozenset(ProfileFields.model_fields) | {
    *("balance", "next_bill_date", "is_partner", "primary_email", "validation_code"),
    *("enterprise_billing_email", "enterprise_primary_email"),
}
"""Fields a profile is shown with: a caller may change what it read and send all of it back."""


class ProfileGiven(ProfileFields):
    """The writable fields. Read-only ones may be sent along and are ignored."""

    cf_turnstile_response: Unused
    captcha_challenge_jwt: Unused
    h_captcha_response: Unused
    buying_rate_plan: Unused

    @model_validator(mode="before")
    @classmethod
    def _without_read_only(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if name not in READ_ONLY}

    def fields(self) -> dict[str, str | None]:
        """What was sent of the profile itself."""
        return {name: getattr(self, name) for name in rules.FIELDS if name in self.model_fields_set}


class ProfileReplaced(ProfileGiven):
    """As on creation; `expected_version` guards against a concurrent change."""

    expected_version: Version | None = None

    def guard(self) -> dict[str, int]:
        """The version expected, if one is."""
        return {} if self.expected_version is None else {"expected_version": self.expected_version}


async def get(visit: Visit) -> Response:
    """The billing profile as it stands."""
    async with visit.surface.reading() as connection:
        found = await profiles.shown(connection, visit.account_id)
    if found is None:
        raise no_such_account()
    if found.profile is None or found.profile.deleted_on:
        raise not_found("There is no billing profile yet. Create one first.")
    view = {**rules.view(found.profile, found.account_type), **copies(*found.charged_first)}
    return answer(_shown(visit.account_id, view))


async def create(visit: Visit, given: ProfileGiven) -> Response:
    """Make the billing profile. Refused with 1313 when there is one: replace it instead."""
    return await ask(visit, CreateProfile(**given.fields()))


async def replace(visit: Visit, given: ProfileReplaced) -> Response:
    """Put these fields in the place of all others: a field left out is removed. Refused with debt (1300)."""
    return await ask(visit, ReplaceProfile.model_validate({**given.fields(), **given.guard()}))


async def patch(visit: Visit, given: PatchProfile) -> Response:
    """Change e-mail addresses and locale, which stays possible with a balance outstanding."""
    return await ask(visit, given)


async def delete(visit: Visit) -> Response:
    """Remove the billing profile. Refused with debt (1300) or while paid subscriptions go on (1307)."""
    return await ask(visit, DeleteProfile())


def _shown(account_id: str, view: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": account_id, **NO_COPIES, **view}


def _gone(account_id: str, _result: Any) -> None:
    return None


VIEWS: Final[Mapping[str, View]] = {
    CreateProfile.type: _shown,
    ReplaceProfile.type: _shown,
    UpsertProfile.type: _shown,
    PatchProfile.type: _shown,
    DeleteProfile.type: _gone,
}

_GIVEN: Final = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "company": "Analytical Engines Ltd",
    "address": "101 Townsend Street",
    "address2": "Suite 4",
    "city": "San Francisco",
    "state": "CA",
    "zipcode": "94107",
    "country": "US",
    "telephone": "+1 415 555 0132",
    "billing_email": "billing@example.com",
    "preferred_locale": "en-US",
}
_RESULT: Final = {
    "id": "023e105f4ecef8ad9ca31a8372d0c353",
    **rules.NOTHING,
    **_GIVEN,
    **NO_COPIES,
    "card_number": "xxxx-xxxx-xxxx-4242",
    "card_expiry_month": 12,
    "card_expiry_year": 2030,
    "payment_first_name": "Ada",
    "payment_last_name": "Lovelace",
    "account_type": "pay_go",
    "version": 1,
    "created_on": "2026-11-23T20:15:30.120000Z",
    "edited_on": "2026-11-23T20:15:30.120000Z",
}
_PATCHED: Final = {"billing_email": "accounting@example.com", "preferred_locale": "de-DE"}


ENDPOINTS: Final = (
    Endpoint(
        "GET",
        PATH,
        get,
        "Show the billing profile",
        scope=READ,
        result=ProfileShown,
        example=Example(result=_RESULT),
    ),
    Endpoint(
        "POST",
        PATH,
        create,
        "Create the billing profile",
        scope=WRITE,
        command=True,
        body=ProfileGiven,
        result=ProfileShown,
        example=Example(body=_GIVEN, result=_RESULT),
        refusals=(Code.ALREADY_EXISTS,),
    ),
    Endpoint(
        "PUT",
        PATH,
        replace,
        "Replace the billing profile",
        scope=WRITE,
        command=True,
        body=ProfileReplaced,
        result=ProfileShown,
        example=Example(body=_GIVEN, result=_RESULT),
        refusals=(Code.OUTSTANDING_BALANCE, Code.VERSION_CONFLICT),
    ),
    Endpoint(
        "PATCH",
        PATH,
        patch,
        "Change e-mail addresses and locale",
        scope=WRITE,
        command=True,
        body=PatchProfile,
        elsewhere=NOT_PATCHED,
        result=ProfileShown,
        example=Example(body=_PATCHED, result={**_RESULT, **_PATCHED, "version": 2}),
        refusals=(Code.VERSION_CONFLICT,),
    ),
    Endpoint(
        "DELETE",
        PATH,
        delete,
        "Remove the billing profile",
        scope=WRITE,
        command=True,
        result=type(None),
        example=Example(result=None),
        refusals=(Code.OUTSTANDING_BALANCE, Code.TRANSACTIONS_IN_PROGRESS),
    ),
)
