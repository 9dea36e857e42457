"""Pages of a list: `page` and `per_page` behind the question mark, `result_info` in the answer (DOMAIN.md 10)."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from handlers.decision import Problem
from producers.http.envelope import answer
from producers.http.mistakes import mistaken

FEWEST, USUAL, MOST = 5, 20, 50
LAST_PAGE: Final = 100_000
QUERY: Final = {
    "page": "Which page, from 1.",
    "per_page": f"How many on a page, {FEWEST} to {MOST}; {USUAL} if not given.",
}


def paged(request: Request, items: Sequence[Any]) -> Response:
    """One page of a whole list that is at hand. Raises 1400 for a page that is no number in its bounds."""
    page = _number(request, "page", 1, LAST_PAGE, 1)
    per_page = _number(request, "per_page", FEWEST, MOST, USUAL)
    shown = items[(page - 1) * per_page : page * per_page]
    return answer(
        list(shown),
        result_info={
            "page": page,
            "per_page": per_page,
            "count": len(shown),
            "total_count": len(items),
            "total_pages": -(-len(items) // per_page),
        },
    )


def _number(request: Request, name: str, least: int, most: int, usual: int) -> int:
    given = request.query_params.get(name)
    if given is None:
        return usual
    if not (given.isascii() and given.isdecimal() and len(given) <= 9 and least <= int(given) <= most):
        raise mistaken((Problem(f"/{name}", f"Send a number from {least} to {most}."),))
    return int(given)
