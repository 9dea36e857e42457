"""Keys and tokens of a demo fleet: made once, kept with its data, worth nothing elsewhere."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from joserfc.errors import JoseError

from producers.iapi.key_registry import parse
from producers.iapi.scopes import SCOPES
from producers.iapi.service_tokens import new_key, sign
from sandbox.local.files import write_whole
from sandbox.local.service import CannotStart
from state.postgres import api_tokens
from state.postgres.connection import Connection

CALLER: Final = "demo-service"
AUDIENCE: Final = "billing-iapi"
TOKEN_NAME: Final = "local demo"  # noqa: S105  # a label


def ensure_keys(registry: Path) -> None:
    """The registry of callers with one demo service, and that service's private key beside it.

    Raises `CannotStart` when they are there and cannot be read: they may be somebody's own by now.
    """
    if registry.exists():
        _require_readable(registry)
        return
    private, public = new_key("demo-1")
    caller = {"audience": AUDIENCE, "scopes": sorted(SCOPES), "keys": [public]}
    key = _private_key(registry)
    key.touch(mode=0o600)
    key.write_text(json.dumps(private))
    write_whole(registry, json.dumps({"callers": {CALLER: caller}}, indent=2))


def service_token(registry: Path) -> str:
    """A token of the demo service, good for an hour."""
    private = json.loads(_private_key(registry).read_text())
    life = timedelta(hours=1)
    return sign(private, caller=CALLER, audience=AUDIENCE, scopes=SCOPES, now=datetime.now(UTC), life=life)


async def dashboard_token(connection: Connection, accounts: Iterable[str]) -> str:
    """A fresh token for the demo accounts; those of earlier runs are revoked."""
    for kept in await api_tokens.listed(connection):
        if kept.name == TOKEN_NAME and kept.revoked_at is None:
            await api_tokens.revoke(connection, kept.id)
    _, secret = await api_tokens.create(
        connection, name=TOKEN_NAME, accounts=list(accounts), scopes=[api_tokens.WRITE]
    )
    return secret


def _require_readable(registry: Path) -> None:
    key = _private_key(registry)
    try:
        parse(registry.read_text())
        service_token(registry)
    except (OSError, ValueError, TypeError, KeyError, JoseError) as error:
        raise CannotStart(
            f"The keys of the demo service, {registry} and {key}, cannot be used ({error}). "
            "Put them right, or remove both files: the next start makes new ones."
        ) from error


def _private_key(registry: Path) -> Path:
    return registry.with_name("demo-service.key.json")
