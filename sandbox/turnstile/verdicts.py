"""What siteverify decides about a token: developers.cloudflare.com/turnstile/get-started/server-side-validation.

A token lives for 300 s and is good once; the same `idempotency_key` gets the first verdict again.
"""

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

LIFE = 300.0
LONGEST = 2048
DUMMY_TOKEN = "XXXX.DUMMY.TOKEN.XXXX"  # noqa: S105
DUMMY_HOST = "example.com"
PASSES, FAILS, SPENT = (f"{n}x0000000000000000000000000000000AA" for n in (1, 2, 3))
"""The published test secrets: always passes, always fails, says that the token was spent
(developers.cloudflare.com/turnstile/troubleshooting/testing)."""
SECRET = "0x4AAAAAAAsandboxsecret0000000000000"  # noqa: S105
SITE_KEY = "0x4AAAAAAAsandboxsitekey00"
"""The one widget of ours: its secret takes the tokens that were made here, and no dummy."""
Verdict = dict[str, Any]


@dataclass(slots=True)
class Token:
    """A token as a page would be given it. `spent` is when it was verified, by which idempotency key."""

    text: str
    made: float
    hostname: str
    action: str
    cdata: str
    interactive: bool = False
    spent: float | None = None
    key: str | None = None
    verdict: Verdict = field(default_factory=dict)


class World:
    """The state of one double: its tokens, its clock, and what goes wrong next."""

    def __init__(self) -> None:
        self.tokens: dict[str, Token] = {}
        self.asked: list[dict[str, Any]] = []
        self.offset = 0.0
        self.failing = 0
        self.silent_seconds = 0.0

    def now(self) -> float:
        """The double's clock."""
        return time.time() + self.offset

    def make(self, *, hostname: str = "localhost", action: str = "", cdata: str = "") -> Token:
        """A visitor solves the challenge."""
        token = Token(f"0.{secrets.token_urlsafe(180)}", self.now(), hostname, action, cdata)
        self.tokens[token.text] = token
        return token

    def verify(self, given: dict[str, Any]) -> Verdict:
        """The answer of siteverify to a request's fields."""
        secret, response = str(given.get("secret") or ""), str(given.get("response") or "")
        key = str(given.get("idempotency_key") or "") or None
        if not secret:
            return _refused("missing-input-secret")
        if secret not in (PASSES, FAILS, SPENT, SECRET):
            return _refused("invalid-input-secret")
        if not response:
            return _refused("missing-input-response")
        if key is not None and not _is_uuid(key):
            return _refused("bad-request")
        if secret != SECRET:
            return self._of_a_test_key(secret, response)
        return self._of_a_token(response, key)

    def _of_a_test_key(self, secret: str, response: str) -> Verdict:
        if secret == SPENT:
            return _refused("timeout-or-duplicate")
        if secret == FAILS or response != DUMMY_TOKEN:
            return _refused("invalid-input-response")
        return _passed(Token(response, self.now(), DUMMY_HOST, "", ""))

    def _of_a_token(self, response: str, key: str | None) -> Verdict:
        token = self.tokens.get(response) if len(response) <= LONGEST else None
        if token is None:
            return _refused("invalid-input-response")
        if token.spent is not None:
            again = key is not None and key == token.key
            return token.verdict if again else _refused("timeout-or-duplicate")
        if self.now() - token.made > LIFE:
            return _refused("timeout-or-duplicate")
        token.spent, token.key, token.verdict = self.now(), key, _passed(token)
        return token.verdict


def _passed(token: Token) -> Verdict:
    moment = datetime.fromtimestamp(token.made, UTC)
    return {
        "success": True,
        "error-codes": [],
        "challenge_ts": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z",
        "hostname": token.hostname,
        "action": token.action,
        "cdata": token.cdata,
        "metadata": {"interactive": token.interactive},
    }


def _refused(code: str) -> Verdict:
    return {"success": False, "error-codes": [code], "messages": []}


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
