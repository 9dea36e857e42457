"""E-mail addresses are judged by their syntax, quickly for the plain ones and by the library for the rest."""

from collections.abc import Callable

import pytest
from email_validator import validate_email
from hypothesis import given
from hypothesis import strategies as st

from handlers.profile_rules import emails
from handlers.profile_rules.emails import is_email, normal_email

LETTERS = "abzABZ019_+-."
PLAIN = st.builds(
    "{}@{}.{}".format,
    st.text(LETTERS, min_size=1, max_size=70),
    st.lists(st.text("abzABZ019-", min_size=1, max_size=66), min_size=1, max_size=5).map(".".join),
    st.one_of(
        st.sampled_from(["com", "local", "Invalid", "test", "onion", "arpa", "c0m", "x"]),
        st.text("abZ", max_size=26),
    ),
)


@pytest.mark.parametrize(
    "address",
    [
        "billing@example.com",
        "a.b+c_d-e@sub.example.co.uk",
        "o'neill@example.com",
        "rechnung@müller.de",
        "用户@例子.广告",
        "jo@xn--mller-kva.de",
        "Billing@Example.COM",
        "trial@acme.test",
    ],
)
def test_an_address_is_accepted(address: str) -> None:
    assert is_email(address)


@pytest.mark.parametrize(
    "address",
    [
        "billing",
        "billing@",
        "@example.com",
        "billing@example",
        "billing@test",
        "two@at@example.com",
        "a b@example.com",
        ".a@example.com",
        "a..b@example.com",
        "a@-example.com",
        "a@example-.com",
        "a@ex--mple.com",
        "a@example.local",
        "a@printer.LOCAL",
        "a@127.0.0.1",
        "a@[127.0.0.1]",
        "Ann <ann@example.com>",
        "a@example.com, b@example.com",
        "a" * 250 + "@example.com",
        "a\x00@example.com",
        "\ud800@example.com",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    assert not is_email(address)


@given(PLAIN)
def test_what_is_accepted_quickly_the_library_accepts_too(address: str) -> None:
    if len(address) <= 254 and emails._PLAIN.fullmatch(address):
        found = validate_email(address, check_deliverability=False, test_environment=True)
        assert normal_email(address) == found.normalized


@pytest.mark.parametrize("spelt", [str.lower, str.upper])
def test_a_label_as_long_as_the_quick_way_takes_is_one_the_library_takes(spelt: Callable[[str], str]) -> None:
    label = spelt(f"{'a' * 31}-{'b' * 15}-{'c' * 15}")
    assert emails._PLAIN.fullmatch(f"a@{label}.com")
    assert not emails._PLAIN.fullmatch(f"a@a{label}.com")
    assert normal_email(f"a@{label}.com") == f"a@{label.lower()}.com"


@given(st.one_of(st.emails(), PLAIN, st.text(max_size=40)))
def test_the_normal_form_is_an_address_exactly_when_the_typed_one_is(address: str) -> None:
    assert is_email(normal_email(address)) == is_email(address)
    assert normal_email(normal_email(address)) == normal_email(address)


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("Ann.Lee@EXAMPLE.com", "Ann.Lee@example.com"),
        ("a@XN--MLLER-KVA.de", "a@müller.de"),
        ("a@MÜLLER.de", "a@müller.de"),
        ("not an address", "not an address"),
    ],
)
def test_only_the_domain_is_respelled(typed: str, normal: str) -> None:
    assert normal_email(typed) == normal
