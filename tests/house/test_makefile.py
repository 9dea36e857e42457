"""What make is asked for is done: every name that it takes has a recipe, and the documents name only those."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.house import written

MAKEFILE = (ROOT / "Makefile").read_text()
RECIPES = set(re.findall(r"^([a-z]+):.*\n\t", MAKEFILE, re.MULTILINE))


def test_every_name_that_make_takes_has_a_recipe() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert "check" in RECIPES
    assert set(phony.split()) == RECIPES


def test_every_recipe_says_what_it_is_for() -> None:
    assert set(re.findall(r"^([a-z]+):.*## \S", MAKEFILE, re.MULTILINE)) == RECIPES


@pytest.mark.parametrize("page", written.DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_the_documents_make_can_be_made(page: Path) -> None:
    named = {match[1] for span in written.spans(page) if (match := re.match(r"make ([a-z]+)", span))}
    assert named <= RECIPES
