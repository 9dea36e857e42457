"""The registry of callers: which service signs with which keys, for which audience, with which scopes.

A JSON file, public keys only, read again when it changes:

    {"callers": {"accounts-service": {
        "audience": "billing-iapi",
        "scopes": ["accounts:read", "accounts:write"],
        "keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "accounts-2026-11", "x": "..."}]}}}

To rotate: add the new key, let the service sign with it, take the old one out. A `kid` names one key
in the whole file.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from producers.iapi.scopes import SCOPES

log = structlog.get_logger()

_LOOK_EVERY: Final = 1.0
"""Seconds; a stat costs microseconds."""

_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,99}$")]
_Text = Annotated[str, Field(min_length=1, max_length=200)]


class CallerEntry(BaseModel):
    """One service in the file."""

    model_config = ConfigDict(extra="forbid")

    audience: _Text
    scopes: list[str]
    keys: Annotated[list[dict[str, str]], Field(min_length=1)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    callers: dict[_Name, CallerEntry]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and what its owner may ask for."""

    caller: str
    audience: str
    scopes: frozenset[str]
    key: OKPKey


class RegistryError(ValueError):
    """The file can't be used, and why."""


def parse(text: str) -> Mapping[str, SigningKey]:
    """The keys by their `kid`. Raises `RegistryError`."""
    try:
        file = _File.model_validate_json(text)
    except ValidationError as error:
        places = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'the file'}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
        )
        raise RegistryError(f"The registry of callers is not valid. {places}") from None
    keys: dict[str, SigningKey] = {}
    for name, entry in file.callers.items():
        _check_scopes(name, entry)
        for jwk in entry.keys:
            kid, key = _key(name, jwk)
            if kid in keys:
                raise RegistryError(f"The registry of callers names the key {kid!r} twice.")
            keys[kid] = SigningKey(name, entry.audience, frozenset(entry.scopes), key)
    return keys


def _check_scopes(name: str, entry: CallerEntry) -> None:
    if unknown := set(entry.scopes) - SCOPES:
        raise RegistryError(f"The registry of callers gives {name!r} unknown scopes: {sorted(unknown)}.")


def _key(name: str, jwk: dict[str, str]) -> tuple[str, OKPKey]:
    kid = jwk.get("kid")
    if not kid or jwk.get("crv") != "Ed25519" or "d" in jwk:
        raise RegistryError(f"A key of {name!r} is not a public Ed25519 key with a kid.")
    try:
        return kid, OKPKey.import_key({**jwk})
    except (JoseError, ValueError):
        raise RegistryError(f"The key {kid!r} of {name!r} can't be read.") from None


class KeyRegistry:
    """The file as it is now. `generation` rises whenever it was read again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self.keys = parse(path.read_text())
        self.generation = 0
        self._look_at = time.monotonic() + _LOOK_EVERY

    def current(self) -> Mapping[str, SigningKey]:
        """The keys by `kid`. A file that became unreadable leaves the last good ones in force, with an alarm."""
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + _LOOK_EVERY
            self._read_again()
        return self.keys

    def _read_again(self) -> None:
        try:
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self.keys = parse(self._path.read_text())
        except (OSError, ValueError) as error:
            log.critical("callers_unreadable", error=type(error).__name__)
            return
        self.generation += 1
        log.info("callers_read", keys=len(self.keys))


def _stamp(path: Path) -> tuple[int, int, int]:
    found = os.stat(path)
    return found.st_mtime_ns, found.st_size, found.st_ino
