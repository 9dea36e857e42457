"""Parts that the pages for people share: rows of tables, times, where the double is mounted."""

from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from typing import Any

from starlette.requests import Request

from sandbox.stripe.world import World


def mounted(request: Request) -> str:
    """The path below which the double is mounted, without a slash at the end."""
    return str(request.scope.get("root_path", "")).removesuffix("/_sandbox")


def rows(things: list[Any], made: Callable[[Any], str], nothing: str) -> str:
    """The rows of a table's body, or one that says there are none."""
    return "".join(made(one) for one in things) or f'<tr><td colspan="9" class="nothing">{nothing}</td></tr>'


def row(*cells: str) -> str:
    """A row of cells that are HTML already."""
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def text(value: object) -> str:
    """A value as text, nothing for None."""
    return escape(str(value or ""))


def time_of(at: float) -> str:
    """A moment of the double's clock."""
    return datetime.fromtimestamp(at, UTC).strftime("%m-%d %H:%M:%S")


def clock(world: World) -> str:
    """What the double's clock says, and what was done to it."""
    moved = f", moved by {world.clock.offset:+.0f} s" if world.clock.offset else ""
    stands = ", standing still" if world.clock.frozen is not None else ""
    return f"{datetime.fromtimestamp(world.clock.now(), UTC):%Y-%m-%d %H:%M:%S} UTC{moved}{stands}"
