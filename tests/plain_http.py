"""HTTP to programs on this machine: a client that reads no certificates, which takes longer than a request does."""

import ssl
from typing import Any, Final

import httpx

_NO_CERTIFICATES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody, so that with https nothing would be reached."""


def client(**options: Any) -> httpx.AsyncClient:
    """A client for plain HTTP that looks at no proxy of the environment. Options as of httpx."""
    return httpx.AsyncClient(trust_env=False, verify=_NO_CERTIFICATES, **options)
