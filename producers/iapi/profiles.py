"""A11-A14 and A16, the billing profile: read, upsert, patch, try without doing, and what it means for tax."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel
from starlette.responses import Response

from handlers import profiles as rules
from handlers.account import Account, Part
from handlers.accounts import ACCOUNT, AccountRecord
from handlers.decision import Applied, Context, Failed
from handlers.payment_method import PAYMENT_METHODS, PaymentMethods
from handlers.profile_copies import copies
from handlers.profile_rules import Suggestion, TaxContext, problems_of, suggest, tax_context
from handlers.profiles import PROFILE, Profile
from handlers.registry import decide
from producers.http.commands import ask
from producers.http.documents import ErrorModel
from producers.http.endpoints import Endpoint, Example, Visit
from producers.http.envelope import answer, errors
from producers.http.errors import no_such_account, not_found
from producers.http.surface import View
from producers.iapi.scopes import PROFILES_READ, PROFILES_WRITE
from producers.profile_copies import NO_COPIES, ProfileCopies
from producers.profile_fields import NOT_PATCHED
from producers.trace import new_id
from state.postgres import accounts, payment_methods, profiles
from topics.codes import Code
from topics.profiles import CreateProfile, PatchProfile, ProfileFields, ReplaceProfile, UpsertProfile

PATH: Final = "/accounts/{account_id}/billing-profile"


class ProfileShown(ProfileFields, ProfileCopies):
    """A billing profile, with what is shown of the default payment method."""

    account_type: str
    version: int
    created_on: datetime
    edited_on: datetime


class Verdict(BaseModel):
    """What would come of an upsert now. `result` is the profile as it would be kept."""

    valid: bool
    result: ProfileShown | None
    errors: list[ErrorModel]
    suggestions: list[Suggestion]


async def get(visit: Visit) -> Response:
    """The billing profile as it stands."""
    profile, found = await _living(visit)
    view = {**rules.view(profile, found.account_type), **copies(*found.charged_first)}
    return answer(shown(visit.account_id, view))


async def upsert(visit: Visit, given: UpsertProfile) -> Response:
    """Create the billing profile, or put these fields in the place of all others."""
    return await ask(visit, given)


async def patch(visit: Visit, given: PatchProfile) -> Response:
    """Change e-mail addresses and locale."""
    return await ask(visit, given)


async def validate(visit: Visit, given: UpsertProfile) -> Response:
    """What would come of an upsert: the very decision, on the account as it is now, and nothing is kept."""
    record, profile, methods = await _read(visit)
    parts: dict[Part[Any], Any] = {ACCOUNT: record, PROFILE: profile, PAYMENT_METHODS: methods}
    account = Account(visit.account_id, parts)
    context = Context(datetime.now(UTC), visit.caller.actor(visit.surface.kind.name), new_id())
    decision = decide(account, given, context)
    assert not isinstance(decision, Failed), "only results of effects fail like that"
    applied = isinstance(decision, Applied)
    return answer(
        {
            "valid": applied,
            "result": shown(visit.account_id, decision.result) if isinstance(decision, Applied) else None,
            "errors": []
            if isinstance(decision, Applied)
            else errors(decision.code, decision.message, decision.problems),
            "suggestions": [asdict(suggestion) for suggestion in suggest(_fields(given))],
        }
    )


async def tax(visit: Visit) -> Response:
    """Where the customer is and under which tax id: what a tax engine asks for."""
    profile, _ = await _living(visit)
    return answer(asdict(tax_context(profile.fields)))


async def _read(visit: Visit) -> tuple[AccountRecord, Profile | None, PaymentMethods | None]:
    ids = [visit.account_id]
    async with visit.surface.snapshot() as connection:
        record = (await accounts.load(connection, ids)).get(visit.account_id)
        profile = (await profiles.load(connection, ids)).get(visit.account_id)
        methods = (await payment_methods.load(connection, ids)).get(visit.account_id)
    if record is None:
        raise no_such_account()
    return record, profile, methods


async def _living(visit: Visit) -> tuple[Profile, profiles.ShownProfile]:
    async with visit.surface.reading() as connection:
        found = await profiles.shown(connection, visit.account_id)
    if found is None:
        raise no_such_account()
    if found.profile is None or found.profile.deleted_on:
        raise not_found("There is no billing profile yet.")
    return found.profile, found


def shown(_account_id: str, view: Any) -> dict[str, Any]:
    """A profile's view as it is answered."""
    return {**NO_COPIES, **view}


def _fields(given: ProfileFields) -> dict[str, str | None]:
    return {name: getattr(given, name) for name in rules.FIELDS}


VIEWS: Final[Mapping[str, View]] = {
    command.type: shown for command in (CreateProfile, ReplaceProfile, UpsertProfile, PatchProfile)
}

_GIVEN: Final = {
    "company": "Beispiel GmbH",
    "address": "Unter den Linden 1",
    "city": "Berlin",
    "zipcode": "10117",
    "country": "DE",
    "vat": "DE136695976",
    "tax_id_type": "eu_vat",
    "billing_email": "rechnung@example.com",
    "preferred_locale": "de-DE",
}
_INCOMPLETE: Final = {**_GIVEN, "zipcode": None}
_RESULT: Final[dict[str, Any]] = {
    **rules.NOTHING,
    **_GIVEN,
    **NO_COPIES,
    "payment_email": "payer@example.com",
    "account_type": "pay_go",
    "version": 2,
    "created_on": "2026-11-23T20:15:30.120000Z",
    "edited_on": "2026-11-23T20:15:31.480000Z",
}
_TAX: Final = {
    "country": "DE",
    "state": None,
    "postal_code": "10117",
    "location": "DE",
    "tax_id": "DE136695976",
    "tax_id_type": "eu_vat",
    "tax_id_valid": True,
    "tax_id_country": "DE",
    "is_business": True,
    "eu_member": True,
    "reverse_charge_candidate": True,
}
_PATCHED: Final = {"billing_email": "buchhaltung@example.com"}

ENDPOINTS: Final = (
    Endpoint(
        "GET",
        PATH,
        get,
        "Show the billing profile",
        scope=PROFILES_READ,
        result=ProfileShown,
        example=Example(result=_RESULT),
    ),
    Endpoint(
        "PUT",
        PATH,
        upsert,
        "Create or replace the billing profile",
        scope=PROFILES_WRITE,
        command=True,
        body=UpsertProfile,
        result=ProfileShown,
        example=Example(body=_GIVEN, result=_RESULT),
        refusals=(Code.OUTSTANDING_BALANCE, Code.VERSION_CONFLICT),
    ),
    Endpoint(
        "PATCH",
        PATH,
        patch,
        "Change e-mail addresses and locale",
        scope=PROFILES_WRITE,
        command=True,
        body=PatchProfile,
        elsewhere=NOT_PATCHED,
        result=ProfileShown,
        example=Example(body=_PATCHED, result={**_RESULT, **_PATCHED, "version": 3}),
        refusals=(Code.VERSION_CONFLICT,),
    ),
    Endpoint(
        "POST",
        PATH + "/validate",
        validate,
        "Try an upsert without doing it",
        scope=PROFILES_READ,
        body=UpsertProfile,
        result=Verdict,
        example=Example(
            body=_INCOMPLETE,
            result={
                "valid": False,
                "result": None,
                "errors": errors(Code.INVALID, "", problems_of(_INCOMPLETE, tuple(_INCOMPLETE))),
                "suggestions": [asdict(suggestion) for suggestion in suggest(_INCOMPLETE)],
            },
        ),
    ),
    Endpoint(
        "GET",
        PATH + "/tax-context",
        tax,
        "Show what the profile means for tax",
        scope=PROFILES_READ,
        result=TaxContext,
        example=Example(result=_TAX),
    ),
)
