"""Who is calling, as far as every surface needs to know."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from producers.http.errors import ApiError
from topics.codes import Code
from topics.message import Actor, Role


@dataclass(frozen=True, slots=True)
class Caller:
    """A token or a service that proved who it is. `accounts` of None: every account."""

    id: str
    role: Role
    scopes: frozenset[str]
    accounts: frozenset[str] | None = None

    def may_see(self, account_id: str) -> bool:
        """Whether the account is within reach; all others do not exist for this caller."""
        return self.accounts is None or account_id in self.accounts

    def actor(self, surface: str) -> Actor:
        """How commands name it."""
        return Actor(self.id, self.role, surface)


ANONYMOUS: Final = Caller("anonymous", Role.CUSTOMER, frozenset(), frozenset())

Access = Callable[[str | None, Callable[[], None]], Awaitable[Caller]]
"""From the value of the Authorization header to the caller. Raises 1401.

The second is called before a store is asked about a token that never held here. It raises 1429 where too many of
them came from.
"""


def bearer(authorization: str | None) -> str:
    """The token of an Authorization header (RFC 6750, 2.1). Raises 1401."""
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise unauthenticated("Send a token in the Authorization header: `Authorization: Bearer ...`.")
    return token


def unauthenticated(message: str) -> ApiError:
    """1401, with the challenge that RFC 6750 asks for."""
    return ApiError(Code.UNAUTHENTICATED, message, headers={"WWW-Authenticate": "Bearer"})


def forbidden(scope: str) -> ApiError:
    """1403: known, but without this scope."""
    challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
    message = f"This token lacks the scope {scope!r}."
    return ApiError(Code.FORBIDDEN, message, headers={"WWW-Authenticate": challenge})
