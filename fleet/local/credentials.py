"""Keys and tokens of the local stack: made once, kept with its data, worth nothing elsewhere."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from fleet.local.settings import LocalSettings
from producers.iapi.scopes import SCOPES
from producers.iapi.service_tokens import new_key, sign
from state.postgres import api_tokens
from state.postgres.connection import Connection

CALLER: Final = "demo-service"
AUDIENCE: Final = "billing-iapi"
TOKEN_NAME: Final = "local demo"  # noqa: S105  # a label


def ensure_keys(settings: LocalSettings) -> None:
    """The registry of callers with one demo service, and that service's private key beside it."""
    if settings.service_keys.exists():
        return
    private, public = new_key("demo-1")
    caller = {"audience": AUDIENCE, "scopes": sorted(SCOPES), "keys": [public]}
    _private_key(settings).write_text(json.dumps(private))
    _private_key(settings).chmod(0o600)
    settings.service_keys.write_text(json.dumps({"callers": {CALLER: caller}}, indent=2))


def service_token(settings: LocalSettings) -> str:
    """A token of the demo service, good for an hour."""
    private = json.loads(_private_key(settings).read_text())
    life = timedelta(hours=1)
    return sign(private, caller=CALLER, audience=AUDIENCE, scopes=SCOPES, now=datetime.now(UTC), life=life)


async def dashboard_token(connection: Connection, accounts: list[str]) -> str:
    """A fresh token for the demo accounts; those of earlier runs are revoked."""
    for kept in await api_tokens.listed(connection):
        if kept.name == TOKEN_NAME and kept.revoked_at is None:
            await api_tokens.revoke(connection, kept.id)
    _, secret = await api_tokens.create(
        connection, name=TOKEN_NAME, accounts=accounts, scopes=[api_tokens.WRITE]
    )
    return secret


def _private_key(settings: LocalSettings) -> Path:
    return settings.service_keys.with_name("demo-service.key.json")
