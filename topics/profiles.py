"""Messages about the billing profile: who is billed, where, and under which tax id (DOMAIN.md 3)."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from topics.accounts import Version
from topics.message import Command, Event

Text = Annotated[str, Field(max_length=512)]


class ProfileFields(BaseModel):
    """The writable fields. Generous here: the handler says precisely what is wrong, field by field."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    first_name: Text | None = None
    last_name: Text | None = None
    company: Text | None = None
    address: Text | None = None
    address2: Text | None = None
    city: Text | None = None
    state: Text | None = None
    zipcode: Text | None = None
    country: Text | None = None
    telephone: Text | None = None
    vat: Text | None = None
    tax_id_type: Text | None = None
    billing_email: Text | None = None
    secondary_billing_email: Text | None = None
    preferred_locale: Text | None = None


class CreateProfile(Command, ProfileFields):
    """Make the profile; refused when there is one."""

    type: ClassVar = "billing.profiles.create.v1"


class ReplaceProfile(Command, ProfileFields):
    """Put these fields in the place of all others; refused with debt or without a profile."""

    type: ClassVar = "billing.profiles.replace.v1"
    expected_version: Version | None = None


class UpsertProfile(Command, ProfileFields):
    """Create or replace, for services that mirror a profile they own elsewhere."""

    type: ClassVar = "billing.profiles.upsert.v1"
    expected_version: Version | None = None


class PatchProfile(Command):
    """Change e-mails and locale. A field that is absent stays; one that is null is removed."""

    type: ClassVar = "billing.profiles.patch.v1"
    billing_email: Text | None = None
    secondary_billing_email: Text | None = None
    preferred_locale: Text | None = None
    expected_version: Version | None = None


class DeleteProfile(Command):
    """Remove the profile; refused with debt or without a profile."""

    type: ClassVar = "billing.profiles.delete.v1"


class ProfileChanged(Event):
    """The profile as it is from now on."""

    type: ClassVar = "billing.profiles.changed.v1"
    profile: ProfileFields
    version: int
    created: bool


class ProfileDeleted(Event):
    """There is no profile from now on. One that is made later counts on from this `version`."""

    type: ClassVar = "billing.profiles.deleted.v1"
    version: int


MESSAGES = (
    CreateProfile,
    ReplaceProfile,
    UpsertProfile,
    PatchProfile,
    DeleteProfile,
    ProfileChanged,
    ProfileDeleted,
)

_ADA = ProfileFields(
    first_name="Ada",
    last_name="Lovelace",
    company="Analytical Engines Ltd",
    address="12 St James's Square",
    city="London",
    zipcode="SW1Y 4JH",
    country="GB",
    telephone="+44 20 7946 0958",
    vat="GB980780684",
    tax_id_type="gb_vat",
    billing_email="billing@example.com",
    preferred_locale="en-GB",
)
_SENT = _ADA.model_dump(exclude_unset=True)
_KEPT = ProfileFields(**_ADA.model_dump())

EXAMPLES = (
    CreateProfile(**_SENT),
    ReplaceProfile(**_SENT, expected_version=1),
    UpsertProfile(**_SENT),
    PatchProfile(billing_email="accounts@example.com", secondary_billing_email=None),
    DeleteProfile(),
    ProfileChanged(profile=_KEPT, version=1, created=True),
    ProfileDeleted(version=2),
)
