"""Decisions about the billing profile: create, replace, patch, delete (DOMAIN.md 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace as dataclass_replace
from datetime import datetime
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final

from handlers.account import Account, Part
from handlers.accounts import erase as erase_account
from handlers.accounts import has_debt, known, version_conflict
from handlers.collection_method import derived
from handlers.decision import Applied, Context, Decision, EffectRequest, Problem, Refused
from handlers.dispatch import Handler
from handlers.payment_effects import align_stripe
from handlers.payment_method import PAYMENT_METHODS, default_of, methods_of, payer_email
from handlers.profile_copies import copies
from handlers.profile_rules import examine, normalise, problems_of
from handlers.subscription import SUBSCRIPTIONS, subscriptions_of
from topics.accounts import EraseAccount
from topics.codes import Code
from topics.payment_methods import CollectionMethod
from topics.profiles import (
    CreateProfile,
    DeleteProfile,
    PatchProfile,
    ProfileChanged,
    ProfileDeleted,
    ProfileFields,
    ReplaceProfile,
    UpsertProfile,
)
from topics.value import value

FIELDS: Final = tuple(ProfileFields.model_fields)
_values: Final = itemgetter(*FIELDS)
_read_fields: Final = ProfileFields.__pydantic_validator__.validate_python
PATCHABLE: Final = ("billing_email", "secondary_billing_email", "preferred_locale")
_EMPTY: dict[str, str | None] = dict.fromkeys(FIELDS)
NOTHING: Final[Mapping[str, str | None]] = MappingProxyType(_EMPTY)


@value
class Profile:
    """The profile as kept. A deleted one stays as a tombstone, so versions never start again."""

    fields: Mapping[str, str | None]
    version: int
    created_on: datetime
    edited_on: datetime
    deleted_on: datetime | None = None


PROFILE: Final[Part[Profile]] = Part("profile")


def live(account: Account) -> Profile | None:
    """The account's profile, None when it has none or it was deleted."""
    profile = account.get(PROFILE)
    return None if profile is None or profile.deleted_on else profile


def create(account: Account, command: CreateProfile, context: Context) -> Decision:
    """Make the profile. A deleted one does not stand in the way."""
    if live(account) is not None:
        return Refused(Code.ALREADY_EXISTS, "There is a billing profile already. Replace it instead.")
    return _put(account, command, context)


def replace(account: Account, command: ReplaceProfile, context: Context) -> Decision:
    """Put other fields in the place of all; not while a balance is outstanding (1300)."""
    profile = live(account)
    if profile is None:
        return _absent()
    return _guarded(account, profile, command.expected_version) or _put(account, command, context)


def upsert(account: Account, command: UpsertProfile, context: Context) -> Decision:
    """Create or replace. Whoever expects a version means to replace, so a profile deleted meanwhile stays so."""
    profile = live(account)
    if profile is None:
        return _absent() if command.expected_version else _put(account, command, context)
    return _guarded(account, profile, command.expected_version) or _put(account, command, context)


def patch(account: Account, command: PatchProfile, context: Context) -> Decision:
    """Change e-mails and locale, which stays possible with a balance outstanding."""
    profile = live(account)
    if profile is None:
        return _absent()
    if conflict := version_conflict(command.expected_version, profile.version):
        return conflict
    given: dict[str, str | None] = {
        name: getattr(command, name) for name in PATCHABLE if name in command.model_fields_set
    }
    normal = normalise({**profile.fields, **given})
    fields = {**profile.fields, **{name: normal[name] for name in given}}
    if found := problems_of(fields, tuple(given)):
        return _invalid(found)
    return _changed(account, fields, context)


def delete(account: Account, command: DeleteProfile, context: Context) -> Decision:
    """Remove the profile, leaving a tombstone; not with a balance outstanding (1300) or paid subscriptions (1307)."""
    profile = live(account)
    if profile is None:
        return _absent()
    if has_debt(account):
        return _outstanding("deleted")
    if paid := [one.id for one in subscriptions_of(account).subscriptions.values() if one.paid]:
        return _invoiced(paid)
    gone = _tombstone(profile, context)
    return Applied(
        {PROFILE: gone}, events=(ProfileDeleted(version=gone.version),), result={"version": gone.version}
    )


def erase(account: Account, command: EraseAccount, context: Context) -> Decision:
    """The profile's part in an erasure: its fields go, whatever is owed; the debt itself stays."""
    decision = erase_account(account, command, context)
    profile = live(account)
    if not isinstance(decision, Applied) or profile is None:
        return decision
    gone = _tombstone(profile, context)
    events = (*decision.events, ProfileDeleted(version=gone.version))
    return dataclass_replace(decision, changes={**decision.changes, PROFILE: gone}, events=events)


def view(profile: Profile, account_type: str) -> dict[str, Any]:
    """What a caller is told of a profile, JSON-ready. Times are RFC 3339 with Z (DOMAIN.md 10); kept ones are UTC."""
    created, edited = profile.created_on, profile.edited_on
    edited_on = f"{edited.isoformat()[:-6]}Z"
    return {
        **profile.fields,
        "account_type": account_type,
        "version": profile.version,
        "created_on": edited_on if created is edited else f"{created.isoformat()[:-6]}Z",
        "edited_on": edited_on,
    }


def _told(account: Account, profile: Profile) -> dict[str, Any]:
    """The view, with what is shown of the method that is charged first."""
    shown = view(profile, known(account).type.value)
    first = default_of(methods_of(account))
    return {**shown, **copies(first.details, first.billing)} if first else shown


def _put(account: Account, command: ProfileFields, context: Context) -> Decision:
    fields, found = examine(dict(zip(FIELDS, _values(command.__dict__), strict=True)))
    if found:
        return _invalid(found)
    return _changed(account, fields, context)


def _changed(account: Account, fields: Mapping[str, str | None], context: Context) -> Decision:
    before, standing = account.get(PROFILE), live(account)
    if standing is not None and standing.fields == fields:
        return Applied(result=_told(account, standing))
    after = Profile(
        fields=fields,
        version=before.version + 1 if before else 1,
        created_on=standing.created_on if standing else context.now,
        edited_on=context.now,
    )
    event = ProfileChanged(profile=_read_fields(fields), version=after.version, created=standing is None)
    return Applied(
        {PROFILE: after},
        events=(event,),
        effects=_flips(account, standing, after),
        result=_told(account, after),
    )


def _flips(account: Account, before: Profile | None, after: Profile) -> tuple[EffectRequest, ...]:
    """What could not be collected by invoice for want of an e-mail is tried again with the first."""
    if not after.fields["billing_email"] or (before is not None and before.fields["billing_email"]):
        return ()
    methods = methods_of(account)
    invoiced = derived(methods).value is CollectionMethod.SEND_INVOICE
    return (align_stripe(),) if invoiced and payer_email(methods) is None else ()


def _tombstone(profile: Profile, context: Context) -> Profile:
    return Profile(NOTHING, profile.version + 1, profile.created_on, context.now, deleted_on=context.now)


def _guarded(account: Account, profile: Profile, expected: int | None) -> Refused | None:
    if has_debt(account):
        return _outstanding("replaced")
    return version_conflict(expected, profile.version)


def _absent() -> Refused:
    return Refused(Code.NOT_FOUND, "There is no billing profile yet. Create one first.")


def _outstanding(verb: str) -> Refused:
    return Refused(
        Code.OUTSTANDING_BALANCE,
        f"The billing profile can't be {verb} while a balance is outstanding. Pay it first; "
        "e-mail addresses and language can still be changed.",
    )


def _invoiced(subscriptions: Sequence[str]) -> Refused:
    named = ", ".join(sorted(subscriptions)[:3])
    return Refused(
        Code.TRANSACTIONS_IN_PROGRESS,
        f"The billing profile can't be deleted while {len(subscriptions)} paid subscription(s) go on ({named}): "
        "their invoices need it. Cancel them first.",
    )


def _invalid(found: tuple[Problem, ...]) -> Refused:
    return Refused(Code.INVALID, "The billing profile is not valid.", found)


HANDLERS: Final = (
    Handler(CreateProfile, create, needs=(PROFILE, PAYMENT_METHODS)),
    Handler(ReplaceProfile, replace, needs=(PROFILE, PAYMENT_METHODS)),
    Handler(UpsertProfile, upsert, needs=(PROFILE, PAYMENT_METHODS)),
    Handler(PatchProfile, patch, needs=(PROFILE, PAYMENT_METHODS)),
    Handler(DeleteProfile, delete, needs=(PROFILE, SUBSCRIPTIONS)),
)
