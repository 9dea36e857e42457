"""What docs/adding-a-capability.md says of the chain that erases an account is what the registry has."""

import re
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType

from handlers.registry import HANDLERS
from tests.conftest import ROOT
from topics.accounts import EraseAccount


def page() -> str:
    """The page's section about personal data."""
    text = (ROOT / "docs" / "adding-a-capability.md").read_text()
    return text.partition("## Personal data")[2].partition("\n## ")[0]


def links() -> Iterator[ModuleType]:
    """The modules of the chain: the one whose `erase` the registry has, the one whose `erase` that calls, and so on."""
    erase: FunctionType | None = HANDLERS[EraseAccount].decide  # type: ignore[assignment]
    while erase is not None:
        module = sys.modules[erase.__module__]
        yield module
        imported = (it for it in vars(module).values() if isinstance(it, FunctionType))
        erase = next(
            (it for it in imported if it.__name__ == "erase" and it.__module__ != module.__name__), None
        )


def test_the_page_names_the_links_from_the_last_to_the_first() -> None:
    chain = [f"{link.__name__.replace('.', '/')}.py" for link in links()]
    assert len(chain) > 1
    before_the_example = page().partition("```")[0]
    assert re.findall(r"`(handlers/\w+\.py)`", before_the_example) == chain


def test_the_next_link_calls_the_last_one_and_needs_what_it_needs() -> None:
    last = next(links()).__name__.rpartition(".")[2]
    assert f"decision = erase_{last}(account, command, context)" in page()
    written = re.search(r"`Handler\(EraseAccount, erase, needs=\((.*?)\)\)`", page())
    assert written is not None
    needed = [part.name.upper() for part in HANDLERS[EraseAccount].needs]
    assert written[1].split(", ") == [*needed, "NOTE"]
