"""Language tags (BCP 47): is this one, and what is its standard spelling."""

from functools import lru_cache

from langcodes import Language, standardize_tag, tag_is_valid
from langcodes.tag_parser import LanguageTagError


def is_locale(tag: str) -> bool:
    """Whether the tag is well formed and each of its parts is registered."""
    return _standard(tag) is not None


def is_normal_locale(tag: str) -> bool:
    """Whether the tag is a locale in its standard spelling."""
    return _standard(tag) == tag


def normal_locale(tag: str) -> str:
    """The tag in its standard spelling ("en_us" -> "en-US", "iw" -> "he"), `tag` itself if it is not one."""
    return _standard(tag) or tag


@lru_cache(maxsize=2048)
def _standard(tag: str) -> str | None:
    try:
        standard = standardize_tag(tag) if tag_is_valid(tag) else None
        # Every registered extended language ("zh-yue") has become a language of its own by now.
        return standard if standard is not None and not Language.get(standard).extlangs else None
    except (LanguageTagError, ValueError):
        return None
