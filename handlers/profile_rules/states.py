"""States, provinces and prefectures: which code a customer means by what was written."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_NOT_A_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class States:
    """The states of one country: `labels` are (code, name) pairs, `codes` every accepted spelling -> code."""

    labels: tuple[tuple[str, str], ...] = ()
    codes: Mapping[str, str] | None = None
    exact: bool = False

    def __bool__(self) -> bool:
        return bool(self.labels)


def folded(text: str) -> str:
    """Lower case without accents and punctuation: how two spellings of one name are compared."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _NOT_A_WORD.sub(" ", bare.casefold()).strip()


def states_of(country: str, labels: Iterable[tuple[str, str]], iso: Iterable[tuple[str, str]]) -> States:
    """Index a country's states by code, by each of their names and by ISO 3166-2 code, in that order of weight.

    `iso` gives (code, ISO 3166-2 part after the hyphen) pairs. Where the codes are short ones of their own (US,
    CA, AU, BR, IT, ES) only a whole name counts, elsewhere also its distinctive part ("Beijing" for "Beijing Shi").
    """
    pairs = tuple(labels)
    codes: dict[str, str] = {}
    for spellings in (
        ((code, code) for code, _ in pairs),
        ((name, code) for code, name in pairs),
        ((part, code) for code, subdivision in iso for part in (subdivision, f"{country}-{subdivision}")),
    ):
        for spelling, code in spellings:
            codes.setdefault(spelling, code)
            codes.setdefault(folded(spelling), code)
    return States(pairs, codes, exact=any(len(code) <= 3 and code.isascii() for code, _ in pairs))


def state_code(states: States, value: str) -> str | None:
    """The code of the state that `value` names, or None if it names none or more than one."""
    if states.codes is None:
        return None
    wanted = folded(value)
    found = states.codes.get(wanted)
    if found is not None or states.exact or len(wanted) < 2:
        return found
    near = {code for code, name in states.labels if _is_part(wanted, folded(name))}
    return near.pop() if len(near) == 1 else None


def _is_part(wanted: str, name: str) -> bool:
    if wanted.isascii():
        return set(wanted.split()) <= set(name.split())
    return name.startswith(wanted)
