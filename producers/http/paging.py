"""Pages of a list: `page` and `per_page` behind the question mark, `result_info` in the answer (DOMAIN.md 10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from handlers.decision import Problem
from producers.http.envelope import answer
from producers.http.mistakes import mistaken
from producers.http.query import Whole

FEWEST, USUAL, MOST = 5, 20, 50
LAST_PAGE: Final = 100_000
QUERY: Final = {
    "page": Whole("Which page, from 1.", 1, LAST_PAGE),
    "per_page": Whole(f"How many on a page; {USUAL} if not given.", FEWEST, MOST),
}


@dataclass(frozen=True, slots=True)
class Page:
    """Which page was asked for, from 1, and how many are on one."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many come before it."""
        return (self.number - 1) * self.size

    def info(self, count: int, total: int) -> dict[str, int]:
        """The `result_info` of a page with `count` of `total` items."""
        return {
            "page": self.number,
            "per_page": self.size,
            "count": count,
            "total_count": total,
            "total_pages": -(-total // self.size),
        }


def page_of(request: Request) -> Page:
    """The page that a request asks for. Raises 1400 for one that is no number in its bounds."""
    return Page(_number(request, "page", 1, LAST_PAGE, 1), _number(request, "per_page", FEWEST, MOST, USUAL))


def paged(request: Request, items: Sequence[Any]) -> Response:
    """One page of a whole list that is at hand. Raises 1400 as `page_of`."""
    page = page_of(request)
    shown = items[page.offset : page.offset + page.size]
    return answer(list(shown), result_info=page.info(len(shown), len(items)))


def _number(request: Request, name: str, least: int, most: int, usual: int) -> int:
    given = request.query_params.get(name)
    if given is None:
        return usual
    if not (given.isascii() and given.isdecimal() and len(given) <= 9 and least <= int(given) <= most):
        raise mistaken((Problem(f"/{name}", f"Send a number from {least} to {most}."),))
    return int(given)
