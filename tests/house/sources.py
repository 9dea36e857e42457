"""Our own files, as the rules look at them."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ROOMS = (
    "topics",
    "handlers",
    "state",
    "consumers",
    "producers",
    "fleet",
    "sandbox",
    "observability",
    "bench",
)
_NOT_OURS = {".git", ".venv", ".local", "build", "__pycache__"}


@dataclass(frozen=True)
class Source:
    """A Python file: where it is, from the root, and what it says."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text)

    @property
    def room(self) -> str:
        """The folder at the root that it lies in."""
        return self.path.partition("/")[0]

    def at(self, node: ast.AST, sentence: str) -> str:
        """A violation, as a compiler would tell it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {sentence}"


def tracked() -> Iterator[Path]:
    """Every file that is or would be committed; without git, every file that is not plainly generated."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0:
        found = (ROOT / name for name in listing.stdout.decode().split("\0") if name)
    else:
        found = (path for path in ROOT.rglob("*") if not _NOT_OURS & set(path.relative_to(ROOT).parts))
    return (path for path in sorted(found) if path.is_file())


def python(*rooms: str) -> list[Source]:
    """The Python files of these rooms, all rooms and the tests when none is named."""
    wanted = rooms or (*ROOMS, "tests", "scripts")
    paths = [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in wanted]
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text()) for path in paths]
