"""A3-A7, the account itself: flags and type, read and changed with a version check."""

from datetime import datetime
from typing import Any, Final, get_args

from pydantic import BaseModel
from starlette.responses import Response

from handlers.accounts import AccountRecord, flag_names
from producers.http.commands import ask
from producers.http.endpoints import Endpoint, Example, Visit
from producers.http.envelope import answer
from producers.http.errors import no_such_account, not_found
from producers.http.query import MOST_VERSION, Whole, expected_version
from producers.iapi.scopes import ACCOUNTS_READ, ACCOUNTS_WRITE
from state.postgres import accounts
from topics.accounts import AccountType, ClearFlag, FlagName, SetAccountType, SetFlag
from topics.codes import Code

FLAGS: Final = "/accounts/{account_id}/flags"
FLAG: Final = "/accounts/{account_id}/flags/{flag}"
TYPE: Final = "/accounts/{account_id}/account-type"
_VERSION: Final = {
    "expected_version": Whole(
        "Refuse with 1311 when the account has another version by now.", 1, MOST_VERSION
    )
}


class FlagsShown(BaseModel):
    """The bitmask of the account's status, its decoded names, and the version they belong to."""

    flags: int
    flag_names: list[str]
    version: int


class TypeShown(BaseModel):
    """How the account is treated, and the version that belongs to."""

    account_type: AccountType
    version: int


class AccountChanged(BaseModel):
    """The account after the change."""

    account_type: AccountType
    flags: int
    flag_names: list[str]
    locked: bool
    version: int


class LockShown(BaseModel):
    """Support closed the account: who, why, since when."""

    by: str
    reason: str
    since: datetime


class AccountShown(BaseModel):
    """The account's own record."""

    account_type: AccountType
    flags: int
    flag_names: list[str]
    lock: LockShown | None
    version: int
    created_on: datetime
    edited_on: datetime


def shown(record: AccountRecord) -> dict[str, Any]:
    """The record, JSON-ready."""
    lock = record.lock
    return {
        "account_type": record.type.value,
        "flags": record.flags,
        "flag_names": flag_names(record.flags),
        "lock": {"by": lock.by, "reason": lock.reason, "since": lock.since} if lock else None,
        "version": record.version,
        "created_on": record.created_on,
        "edited_on": record.edited_on,
    }


async def flags(visit: Visit) -> Response:
    """The status flags, as a bitmask and by name."""
    record = await _record(visit)
    return answer({"flags": record.flags, "flag_names": flag_names(record.flags), "version": record.version})


async def set_flag(visit: Visit) -> Response:
    """Raise one flag. Raising it again changes nothing."""
    version = expected_version(visit.request)
    return await ask(visit, SetFlag(flag=_flag(visit), expected_version=version))


async def clear_flag(visit: Visit) -> Response:
    """Lower one flag; the others stay."""
    version = expected_version(visit.request)
    return await ask(visit, ClearFlag(flag=_flag(visit), expected_version=version))


async def account_type(visit: Visit) -> Response:
    """How the account is treated."""
    record = await _record(visit)
    return answer({"account_type": record.type.value, "version": record.version})


async def set_account_type(visit: Visit, given: SetAccountType) -> Response:
    """Treat the account as another type."""
    return await ask(visit, given)


async def _record(visit: Visit) -> AccountRecord:
    async with visit.surface.reading() as connection:
        record = (await accounts.load(connection, [visit.account_id])).get(visit.account_id)
    if record is None:
        raise no_such_account()
    return record


def _flag(visit: Visit) -> FlagName:
    found: tuple[FlagName, ...] = get_args(FlagName)
    for name in found:
        if name == visit.path("flag"):
            return name
    raise not_found(f"There is no such flag. There are: {', '.join(found)}.")


_CHANGED: Final = {
    "account_type": "pay_go",
    "flags": 32768,
    "flag_names": ["bad_debt"],
    "locked": False,
    "version": 4,
}
_TYPED: Final = {"account_type": "enterprise", "flags": 0, "flag_names": [], "locked": False, "version": 5}

ENDPOINTS: Final = (
    Endpoint(
        "GET",
        FLAGS,
        flags,
        "Show the flags",
        scope=ACCOUNTS_READ,
        result=FlagsShown,
        example=Example(result={"flags": 32768, "flag_names": ["bad_debt"], "version": 4}),
    ),
    Endpoint(
        "PUT",
        FLAG,
        set_flag,
        "Raise a flag",
        scope=ACCOUNTS_WRITE,
        command=True,
        query=_VERSION,
        result=AccountChanged,
        example=Example(result=_CHANGED),
        refusals=(Code.VERSION_CONFLICT,),
    ),
    Endpoint(
        "DELETE",
        FLAG,
        clear_flag,
        "Lower a flag",
        scope=ACCOUNTS_WRITE,
        command=True,
        query=_VERSION,
        result=AccountChanged,
        example=Example(result={**_CHANGED, "flags": 0, "flag_names": [], "version": 5}),
        refusals=(Code.VERSION_CONFLICT,),
    ),
    Endpoint(
        "GET",
        TYPE,
        account_type,
        "Show the account type",
        scope=ACCOUNTS_READ,
        result=TypeShown,
        example=Example(result={"account_type": "pay_go", "version": 4}),
    ),
    Endpoint(
        "PUT",
        TYPE,
        set_account_type,
        "Change the account type",
        scope=ACCOUNTS_WRITE,
        command=True,
        body=SetAccountType,
        result=AccountChanged,
        example=Example(body={"account_type": "enterprise", "expected_version": 4}, result=_TYPED),
        refusals=(Code.VERSION_CONFLICT,),
    ),
)
