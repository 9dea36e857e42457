"""What an endpoint is: a method and path, the parameters it reads, and the function that runs it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sandbox.stripe import expand, params
from sandbox.stripe.forms import Form
from sandbox.stripe.store import Store

Result: TypeAlias = Any
EXPAND: params.Schema = {"expand": params.array(params.text())}


@dataclass(frozen=True, slots=True)
class Call:
    """One execution: where the objects are, what the path names, what was given, and when.

    `knows_at` is the moment up to which search has caught up; both are seconds of the server's clock.
    """

    store: Store
    at: float
    knows_at: float
    ids: tuple[str, ...]
    given: dict[str, Any]
    includes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A named operation of the API. `listed`: it answers a list of its object, or a search result."""

    method: str
    path: str
    run: Callable[[Call], Result]
    schema: params.Schema = field(default_factory=lambda: EXPAND)
    required: tuple[str, ...] = ()
    expandable: frozenset[str] = frozenset()
    listed: bool = False
    plain: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """As limits and counters call it, for example `GET /v1/customers/{customer}`."""
        return f"{self.method} {self.path}"

    def read(self, form: Form) -> tuple[dict[str, Any], frozenset[str]]:
        """The typed parameters and the properties to include. Raises ApiError (400), with nothing done."""
        given = params.read(self.schema, form, required=self.required)
        paths = given.pop("expand", None) or []
        prefix = "data" if self.listed else ""
        return given, frozenset(expand.checked(paths, self.expandable, prefix=prefix, plain=self.plain))


class Router:
    """Endpoints by method and path; a literal step wins over a named one (`search` over `{customer}`)."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self._tree: dict[str, Any] = {}
        for endpoint in endpoints:
            node = self._tree
            for step in _steps(endpoint.method, endpoint.path):
                node = node.setdefault("{}" if step.startswith("{") else step, {})
            node[""] = endpoint

    def find(self, method: str, path: str) -> tuple[Endpoint, tuple[str, ...]] | None:
        """The endpoint and the ids in the path; None for a path Stripe would not recognise."""
        node, ids = self._tree, []
        for step in _steps(method, path):
            below = node.get(step) if step else None
            if below is None and step:
                below = node.get("{}")
                ids.append(step)
            if below is None:
                return None
            node = below
        endpoint = node.get("")
        return (endpoint, tuple(ids)) if endpoint else None


def _steps(method: str, path: str) -> list[str]:
    return [method, *path[1:].split("/")]
