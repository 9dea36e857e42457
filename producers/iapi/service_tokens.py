"""Signed service tokens: short-lived JWTs (RFC 7519) with Ed25519 signatures, made and checked.

The algorithm is ours to choose, not the token's: whatever else its header names is refused. "EdDSA"
is accepted beside "Ed25519" (RFC 9864), because many libraries still sign under that name; the keys
are Ed25519 either way.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from producers.http.callers import Access, Caller, bearer, unauthenticated
from producers.iapi.key_registry import KeyRegistry, SigningKey
from producers.iapi.scopes import with_implied
from topics.message import Role

LONGEST_LIFE: Final = timedelta(hours=1)
_LEEWAY: Final = 30
_MOST: Final = 10_000


class _Pinned(JWSRegistry):
    def get_alg(self, name: str):  # type: ignore[no-untyped-def]  # its type is not exported
        """The one algorithm, under both of its names."""
        if name not in ("Ed25519", "EdDSA"):
            raise UnsupportedAlgorithmError(f"Algorithm {name!r} is not accepted")
        return self.algorithms["Ed25519"]


_ALGORITHMS: Final = _Pinned()


@dataclass(frozen=True, slots=True)
class _Believed:
    caller: Caller
    until: float
    generation: int


def new_key(kid: str) -> tuple[dict[str, str], dict[str, str]]:
    """A fresh pair: the private key for the service, the public one for the registry, both as JWK."""
    key = OKPKey.generate_key("Ed25519", {"kid": kid}, private=True)
    return _jwk(key, private=True), _jwk(key, private=False)


def _jwk(key: OKPKey, *, private: bool) -> dict[str, str]:
    return {name: str(value) for name, value in key.as_dict(private=private).items()}


def sign(
    private_jwk: Mapping[str, str],
    *,
    caller: str,
    audience: str,
    scopes: Collection[str],
    now: datetime,
    life: timedelta = timedelta(minutes=10),
) -> str:
    """A token for `caller`, good for `life` from `now`; the key's `kid` goes into its header."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": caller,
        "aud": audience,
        "scope": " ".join(sorted(scopes)),
        "iat": issued,
        "exp": issued + int(life.total_seconds()),
    }
    header = {"alg": "Ed25519", "kid": private_jwk["kid"]}
    return jwt.encode(header, claims, OKPKey.import_key({**private_jwk}), registry=_ALGORITHMS)


def verify(token: str, keys: Mapping[str, SigningKey], *, now: float) -> tuple[Caller, float]:
    """Who signed the token and until when it holds (seconds since the epoch). Raises 1401."""
    try:
        decoded = jwt.decode(
            token, lambda unverified: _signer(keys, unverified.headers()).key, registry=_ALGORITHMS
        )
        signer = _signer(keys, decoded.header)
        _claims(signer, now).validate(decoded.claims)
    except ExpiredTokenError:
        raise unauthenticated("This service token has expired.") from None
    except (JoseError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        # A stranger writes the header and the claims: joserfc trips over types that it does not expect there.
        raise unauthenticated(
            "This service token does not hold: check its key id, signature, issuer, audience and times."
        ) from None
    if not 0 < decoded.claims["exp"] - decoded.claims["iat"] <= LONGEST_LIFE.total_seconds():
        raise unauthenticated("A service token lives one hour at most.")
    asked = decoded.claims.get("scope")
    granted = signer.scopes & frozenset(asked.split() if isinstance(asked, str) else ())
    return Caller(signer.caller, Role.SERVICE, with_implied(granted)), float(decoded.claims["exp"])


def _signer(keys: Mapping[str, SigningKey], header: Mapping[str, Any]) -> SigningKey:
    kid = header.get("kid")
    signer = keys.get(kid) if isinstance(kid, str) else None
    if signer is None:
        raise ValueError("no key has this id")
    return signer


def _claims(signer: SigningKey, now: float) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=int(now),
        leeway=_LEEWAY,
        iss={"essential": True, "value": signer.caller},
        aud={"essential": True, "value": signer.audience},
        exp={"essential": True},
        iat={"essential": True},
    )


def service_token_access(path: Path) -> Access:
    """Who an iAPI caller is. A token once verified is believed until it ends or the registry changes."""
    registry = KeyRegistry(path)
    believed: dict[bytes, _Believed] = {}

    async def caller(authorization: str | None, _stranger: Callable[[], None]) -> Caller:
        token, now = bearer(authorization), time.time()
        keys, digest = registry.current(), sha256(token.encode()).digest()
        known = believed.get(digest)
        if known is not None and known.generation == registry.generation and now < known.until:
            return known.caller
        found, until = verify(token, keys, now=now)
        if len(believed) >= _MOST:
            believed.clear()
        believed[digest] = _Believed(found, until, registry.generation)
        return found

    return caller
