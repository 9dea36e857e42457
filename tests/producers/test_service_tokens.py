"""Signed service tokens: what is believed, and every way to be refused."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from producers.http.errors import ApiError
from producers.iapi import key_registry, scopes
from producers.iapi.key_registry import KeyRegistry, RegistryError, parse
from producers.iapi.service_tokens import new_key, service_token_access, sign, verify
from tests.producers.surfaces import AUDIENCE, Service, service, write_registry
from topics.codes import Code
from topics.message import Role

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def known(tmp_path: Path) -> Service:
    return service(tmp_path)


def checked(known: Service, token: str, *, at: datetime = NOW) -> Any:
    return verify(token, parse(known.registry.read_text()), now=at.timestamp())


def refused(known: Service, token: str, *, at: datetime = NOW) -> str:
    with pytest.raises(ApiError) as error:
        checked(known, token, at=at)
    assert error.value.code == Code.UNAUTHENTICATED
    return error.value.message


def claims(**changes: Any) -> dict[str, Any]:
    issued = int(NOW.timestamp())
    whole = {"iss": "accounts-service", "aud": AUDIENCE, "scope": "", "iat": issued, "exp": issued + 60}
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def encoded(known: Service, changed: Mapping[str, Any], **header: Any) -> str:
    key = OKPKey.import_key({**known.private})
    head = {"alg": "Ed25519", "kid": known.private["kid"], **header}
    return jwt.encode(head, dict(changed), key, algorithms=["Ed25519"])


def test_a_signed_token_names_its_caller_and_scopes(known: Service) -> None:
    caller, until = checked(known, known.sign(scopes.PROFILES_READ, now=NOW))
    assert (caller.id, caller.role, caller.scopes) == (
        "accounts-service",
        Role.SERVICE,
        {scopes.PROFILES_READ},
    )
    assert caller.may_see("0" * 32)
    assert until == (NOW + timedelta(minutes=10)).timestamp()


def test_who_may_write_may_read(known: Service) -> None:
    caller, _ = checked(known, known.sign(scopes.ACCOUNTS_WRITE, now=NOW))
    assert caller.scopes == {scopes.ACCOUNTS_WRITE, scopes.ACCOUNTS_READ}


def test_nobody_grants_itself_more_than_the_registry_allows(tmp_path: Path) -> None:
    modest = service(tmp_path, granted=[scopes.ACCOUNTS_READ])
    caller, _ = checked(modest, modest.sign(*scopes.SCOPES, now=NOW))
    assert caller.scopes == {scopes.ACCOUNTS_READ}


def test_a_token_ends(known: Service) -> None:
    token = known.sign(now=NOW, life=timedelta(minutes=5))
    checked(known, token, at=NOW + timedelta(minutes=4))
    assert "expired" in refused(known, token, at=NOW + timedelta(minutes=6))


def test_a_token_of_tomorrow_does_not_hold_today(known: Service) -> None:
    refused(known, known.sign(now=NOW + timedelta(hours=2)))


def test_a_token_lives_an_hour_at_most(known: Service) -> None:
    assert "one hour" in refused(known, known.sign(now=NOW, life=timedelta(hours=1, seconds=1)))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another-service"},
        {"aud": None},
        {"iss": "another-service"},
        {"iss": None},
        {"exp": None},
        {"iat": None},
        {"exp": "soon"},
        {"exp": True},
        {"nbf": int(NOW.timestamp()) + 3600},
        {"iat": int(NOW.timestamp()) + 120, "exp": int(NOW.timestamp()) + 60},
    ],
)
def test_claims_that_do_not_fit_are_refused(known: Service, changes: dict[str, Any]) -> None:
    checked(known, encoded(known, claims()))
    refused(known, encoded(known, claims(**changes)))


def test_one_of_several_audiences_is_enough(known: Service) -> None:
    checked(known, encoded(known, claims(aud=["x", AUDIENCE])))


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(known: Service) -> str:
    return f"{_part({'alg': 'none', 'kid': known.private['kid']})}.{_part(claims())}."


def _signed_with_the_public_key(known: Service) -> str:
    """The old confusion: the public key taken for a shared secret."""
    secret = OctKey.import_key(json.dumps(dict(known.public)))
    return jwt.encode({"alg": "HS256", "kid": known.private["kid"]}, claims(), secret)


def _tampered(known: Service) -> str:
    head, _, signature = encoded(known, claims()).split(".")
    return f"{head}.{_part(claims(scope='accounts:write'))}.{signature}"


def _of_a_stranger(known: Service) -> str:
    private, _ = new_key(known.private["kid"])
    return sign(private, caller=known.name, audience=AUDIENCE, scopes=[], now=NOW)


def _with_an_unknown_key(known: Service) -> str:
    private, _ = new_key("unheard-of")
    return sign(private, caller=known.name, audience=AUDIENCE, scopes=[], now=NOW)


def _with_a_header_that_must_be_understood(known: Service) -> str:
    return f"{_part({'alg': 'Ed25519', 'kid': known.private['kid'], 'crit': ['x'], 'x': 1})}.{_part(claims())}.AAAA"


@pytest.mark.parametrize(
    "odd",
    [
        {"crit": 1},
        {"crit": [1]},
        {"crit": {}},
        {"alg": 1},
        {"alg": []},
        {"kid": []},
        {"b64": False},
        {"typ": 7},
    ],
)
def test_a_header_of_odd_types_is_refused_like_any_other(known: Service, odd: dict[str, Any]) -> None:
    head = {"alg": "Ed25519", "kid": known.private["kid"], **odd}
    refused(known, f"{_part(head)}.{_part(claims())}.AAAA")
    refused(known, f"{_part([head])}.{_part(claims())}.AAAA")
    refused(known, f"{_part(head)}.{_part([1])}.AAAA")


@pytest.mark.parametrize(
    "forge",
    [
        _unsigned,
        _signed_with_the_public_key,
        _tampered,
        _of_a_stranger,
        _with_an_unknown_key,
        _with_a_header_that_must_be_understood,
    ],
)
def test_forged_tokens_are_refused(known: Service, forge: Callable[[Service], str]) -> None:
    refused(known, forge(known))


@pytest.mark.parametrize("token", ["", "x", "..", "a.b.c", "\u00e9", "eyJ.eyJ.x", "a.b.c.d.e", "x" * 10_000])
def test_what_is_no_token_is_refused(known: Service, token: str) -> None:
    refused(known, token)


def test_the_older_name_of_the_algorithm_is_accepted(known: Service) -> None:
    """PyJWT and others still write EdDSA for what RFC 9864 calls Ed25519."""
    head = {"alg": "EdDSA", "kid": known.private["kid"]}
    signing_input = f"{_part(head)}.{_part(claims())}"
    private = OKPKey.import_key({**known.private}).private_key
    assert isinstance(private, Ed25519PrivateKey)
    signature = private.sign(signing_input.encode())
    token = f"{signing_input}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert checked(known, token)[0].id == "accounts-service"


def test_a_private_key_does_not_belong_into_the_registry(known: Service) -> None:
    entry = {"audience": AUDIENCE, "scopes": [], "keys": [dict(known.private)]}
    with pytest.raises(RegistryError, match="not a public Ed25519 key"):
        parse(json.dumps({"callers": {"x": entry}}))


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        ("", "not valid"),
        ("[]", "not valid"),
        ('{"callers": {"x": {"audience": "a", "scopes": [], "keys": []}}}', "keys"),
        (
            '{"callers": {"x": {"audience": "a", "scopes": ["all"], "keys": [{"kid": "1"}]}}}',
            "unknown scopes",
        ),
        (
            '{"callers": {"x": {"audience": "a", "scopes": [], "keys": [{"kty": "OKP", "crv": "Ed25519", '
            '"kid": "1", "x": "?"}]}}}',
            "can't be read",
        ),
    ],
)
def test_a_registry_that_cannot_be_used_says_why(file: str, complaint: str) -> None:
    with pytest.raises(RegistryError, match=complaint):
        parse(file)


def test_a_key_id_names_one_key(known: Service) -> None:
    entry = {"audience": AUDIENCE, "scopes": [], "keys": [dict(known.public)]}
    with pytest.raises(RegistryError, match="twice"):
        parse(json.dumps({"callers": {"a": entry, "b": entry}}))


def free() -> None:
    """Nobody counts strangers here."""


@pytest.mark.asyncio
async def test_keys_are_rotated_while_it_runs(known: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_registry, "_LOOK_EVERY", 0.0)
    access = service_token_access(known.registry)
    old = f"Bearer {known.sign()}"
    assert (await access(old, free)).id == "accounts-service"

    private, public = new_key("accounts-service-2")
    new = f"Bearer {sign(private, caller=known.name, audience=AUDIENCE, scopes=[], now=datetime.now(UTC))}"
    both = {"audience": AUDIENCE, "scopes": [], "keys": [dict(known.public), public]}
    write_registry(known.registry, {known.name: both})
    assert (await access(old, free)).id == (await access(new, free)).id == "accounts-service"

    write_registry(known.registry, {known.name: {**both, "keys": [public]}})
    assert (await access(new, free)).id == "accounts-service"
    with pytest.raises(ApiError):
        await access(old, free)


def test_a_registry_that_breaks_leaves_the_last_good_one_in_force(
    known: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_registry, "_LOOK_EVERY", 0.0)
    registry = KeyRegistry(known.registry)
    known.registry.write_text("{")
    assert registry.current().keys() == {known.public["kid"]}
    known.registry.unlink()
    assert registry.current().keys() == {known.public["kid"]}
