"""Locales are BCP 47 language tags with one standard spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.profile_rules.locales import is_locale, normal_locale


@pytest.mark.parametrize(
    ("typed", "standard"),
    [
        ("en-US", "en-US"),
        ("en_us", "en-US"),
        ("DE", "de"),
        ("pt-br", "pt-BR"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("es-419", "es-419"),
        ("iw", "he"),
        ("zh-yue", "yue"),
        ("de-CH-1996", "de-CH-1996"),
    ],
)
def test_a_locale_has_one_spelling(typed: str, standard: str) -> None:
    assert is_locale(typed)
    assert normal_locale(typed) == standard


@pytest.mark.parametrize(
    "tag", ["english", "en-ZZZ", "xx-YY", "en US", "e", "-", "en--US", "日本語", "\ud800"]
)
def test_what_is_no_registered_tag_is_refused(tag: str) -> None:
    assert not is_locale(tag)
    assert normal_locale(tag) == tag


@given(
    st.one_of(
        st.from_regex(r"[a-z]{2,3}([-_][A-Za-z]{4})?([-_][A-Z]{2})?", fullmatch=True), st.text(max_size=12)
    )
)
def test_the_standard_spelling_is_its_own(tag: str) -> None:
    standard = normal_locale(tag)
    assert is_locale(standard) == is_locale(tag)
    assert normal_locale(standard) == standard
