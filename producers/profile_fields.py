"""Fields of the profile that a PATCH does not take, and what to do about them."""

from typing import Final

from topics.profiles import PatchProfile, ProfileFields

NOT_PATCHED: Final = dict.fromkeys(
    ProfileFields.model_fields.keys() - PatchProfile.model_fields.keys(),
    "PATCH changes e-mail addresses and the locale. Send the whole profile with PUT to change this field.",
)
