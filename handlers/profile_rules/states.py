"""States, provinces and prefectures: which code a customer means by what was written."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_NOT_A_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class States:
    """The states of one country: `labels` are (code, name) pairs, `codes` every accepted spelling -> code.

    They are `coded` where their codes are short ones of their own (US, CA, AU, BR, IT, ES), `closed` where
    they are coded or have English names, so that whoever means one can only write it in one of these ways.
    Elsewhere there are transliterations and foreign names ("Moscow" for "Moskva"), and a name not found may
    still be right.
    """

    labels: tuple[tuple[str, str], ...] = ()
    codes: Mapping[str, str] = field(default_factory=dict)
    coded: bool = False
    closed: bool = False


def folded(text: str) -> str:
    """Lower case without accents and punctuation: how two spellings of one name are compared."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _NOT_A_WORD.sub(" ", bare.casefold()).strip()


def states_of(
    country: str, labels: Iterable[tuple[str, str]], iso: Iterable[tuple[str, str]], *, english: bool
) -> States:
    """Index a country's states by code, by each name and by ISO 3166-2 code, in that order of weight.

    `iso` gives (code, ISO 3166-2 part after the hyphen) pairs; `english` says that the names are.
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
    coded = all(len(code) <= 3 for code, _ in pairs)
    return States(pairs, codes, coded=coded, closed=coded or english)


def state_code(states: States, value: str) -> str | None:
    """The code of the state that `value` names, or None if it names none or more than one.

    Where states are not coded, the distinctive part of a name will do: "Beijing" for "Beijing Shi".
    """
    wanted = folded(value)
    found = states.codes.get(wanted)
    if found is not None or states.coded or len(wanted) < 2:
        return found
    near = {code for code, name in states.labels if _is_part(wanted, folded(name))}
    return near.pop() if len(near) == 1 else None


def _is_part(wanted: str, name: str) -> bool:
    if wanted.isascii():
        return set(wanted.split()) <= set(name.split())
    return name.startswith(wanted)
