"""Commands drawn at random: mostly what customers send, some of it refused by a rule."""

from collections.abc import Callable
from random import Random
from typing import Final

from topics.accounts import (
    AccountType,
    ClearFlag,
    EraseAccount,
    LockAccount,
    SetAccountType,
    SetFlag,
    UnlockAccount,
)
from topics.message import Actor, Command, Role
from topics.profiles import CreateProfile, DeleteProfile, PatchProfile, ReplaceProfile, UpsertProfile
from topics.stripe_customers import SyncStripeCustomer

CUSTOMER: Final = Actor("token:drill", Role.CUSTOMER, "/dashboard")
SERVICE: Final = Actor("service:drill", Role.SERVICE, "/iapi")
SUPPORT: Final = Actor("operator:drill", Role.SUPPORT, "/ninjapanel")
SYSTEM: Final = Actor("schedule:drill", Role.SYSTEM, "/schedule")

SURNAMES: Final = ("Lovelace", "Hopper", "Nakamura", "Müller", "Ó Briain", "Þórsdóttir", "Иванова", "山田")
"""No log may hold one of these: the checker looks for them."""
EMAIL_DOMAIN: Final = "drill-mail.example.com"

_ADDRESSES: Final = (
    {"address": "1 Main St", "city": "Springfield", "state": "IL", "zipcode": "62701", "country": "US"},
    {"address": "9 Elm Rd", "city": "Ottawa", "state": "ON", "zipcode": "K1A 0B1", "country": "CA"},
    {"address": "Invalidenstr. 3", "city": "Berlin", "zipcode": "10117", "country": "DE"},
    {"address": "7 High St", "city": "London", "zipcode": "SW1A 1AA", "country": "GB"},
    {"address": "2 rue Cler", "city": "Paris", "zipcode": "75008", "country": "FR"},
    {"address": "Rua A, 5", "city": "Salvador", "state": "BA", "zipcode": "40301-110", "country": "BR"},
)
_TAX_IDS: Final = {
    "US": ("us_ein", "04-2103594"),
    "CA": ("ca_gst_hst", "12302 6635 RT 0001"),
    "DE": ("eu_vat", "DE136695976"),
    "GB": ("gb_vat", "GB 980 7806 84"),
    "BR": ("br_cnpj", "16.727.230/0001-97"),
}
_LOCALES: Final = ("en-US", "de", "fr-FR", "pt-BR", "ja")


def command(rng: Random) -> tuple[Actor, Command]:
    """One command and who sends it."""
    (draw,) = rng.choices(_DRAWS, _WEIGHTS)
    return draw(rng)


def _profile(rng: Random) -> dict[str, str]:
    fields = {
        "first_name": f"Ada {rng.randrange(1000)}",
        "last_name": rng.choice(SURNAMES),
        "billing_email": _email(rng),
        **rng.choice(_ADDRESSES),
    }
    if rng.random() < 0.3:
        fields["company"] = f"Analytical Engines {rng.randrange(1000)} 🚀"
    if rng.random() < 0.4 and fields["country"] in _TAX_IDS:
        fields["tax_id_type"], fields["vat"] = _TAX_IDS[fields["country"]]
    if rng.random() < 0.04:
        fields[rng.choice(("zipcode", "billing_email", "country"))] = "nowhere"
    return fields


def _email(rng: Random) -> str:
    return f"user{rng.randrange(10**9)}@{EMAIL_DOMAIN}"


def _version(rng: Random) -> int | None:
    """Now and then a guess at the version, which is mostly wrong."""
    return rng.randrange(1, 6) if rng.random() < 0.05 else None


def _create(rng: Random) -> tuple[Actor, Command]:
    return CUSTOMER, CreateProfile(**_profile(rng))


def _replace(rng: Random) -> tuple[Actor, Command]:
    return CUSTOMER, ReplaceProfile(**_profile(rng), expected_version=_version(rng))


def _upsert(rng: Random) -> tuple[Actor, Command]:
    return SERVICE, UpsertProfile(**_profile(rng), expected_version=_version(rng))


def _patch(rng: Random) -> tuple[Actor, Command]:
    locale = rng.choice(_LOCALES) if rng.random() < 0.9 else None
    return CUSTOMER, PatchProfile(billing_email=_email(rng), preferred_locale=locale)


def _delete(rng: Random) -> tuple[Actor, Command]:
    return CUSTOMER, DeleteProfile()


def _set_flag(rng: Random) -> tuple[Actor, Command]:
    return SYSTEM, SetFlag(flag="bad_debt", expected_version=_version(rng))


def _clear_flag(rng: Random) -> tuple[Actor, Command]:
    return SYSTEM, ClearFlag(flag="bad_debt")


def _set_type(rng: Random) -> tuple[Actor, Command]:
    return SERVICE, SetAccountType(account_type=rng.choice(list(AccountType)), expected_version=_version(rng))


def _lock(rng: Random) -> tuple[Actor, Command]:
    return (SUPPORT if rng.random() < 0.8 else CUSTOMER), LockAccount(reason="a review")


def _unlock(rng: Random) -> tuple[Actor, Command]:
    return SUPPORT, UnlockAccount(reason="the review is over")


def _sync(rng: Random) -> tuple[Actor, Command]:
    return SUPPORT, SyncStripeCustomer()


def _erase(rng: Random) -> tuple[Actor, Command]:
    return SUPPORT, EraseAccount(reason="asked for by the customer")


_SHARES: Final[dict[Callable[[Random], tuple[Actor, Command]], float]] = {
    _create: 7,
    _replace: 22,
    _upsert: 28,
    _patch: 22,
    _delete: 3,
    _set_flag: 2,
    _clear_flag: 5,
    _set_type: 3,
    _lock: 1,
    _unlock: 5,
    _sync: 0.7,
    _erase: 0.3,
}
_DRAWS: Final = tuple(_SHARES)
_WEIGHTS: Final = tuple(_SHARES.values())
