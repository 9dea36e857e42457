"""A profile known to be right at once is judged as field by field: same normal form, same problems."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.profile_rules import FIELDS, examine, normalise, problems
from handlers.profile_rules.examination import _right_at_once
from handlers.profile_rules.tax_id_types import TAX_ID_TYPES

Profile = dict[str, str | None]


def profile(**fields: str | None) -> Profile:
    return {**dict.fromkeys(FIELDS), "address": "1 Quay", "city": "Town", **fields}


PLAIN = (
    profile(
        first_name="Ada",
        last_name="Lovelace",
        address2="c/o O\u2019Neil, \U0001f3e0",
        state="CA",
        zipcode="94107",
        country="US",
        telephone="+1 111-867-5309",
        vat="04-2103594",
        tax_id_type="us_ein",
        billing_email="billing+x@accounts-payable.example.com",
        secondary_billing_email="books@example.com",
        preferred_locale="en-US",
    ),
    profile(company="Müller GmbH", zipcode="10117", country="DE", telephone="030 1234567", vat="DE136695976"),
    profile(
        company="株式会社\u3000例", state="東京都", zipcode="154-0001", country="JP", preferred_locale="ja"
    ),
    profile(last_name="Ng", city=None, country="HK", state="Kowloon"),
    profile(company="X", zipcode="SW1Y 4JH", country="GB", vat="GB980780684", tax_id_type="gb_vat"),
    profile(company="Y", state="SP", zipcode="13010-110", country="BR", vat="16.727.230/0001-97"),
    profile(company="Z", country="XK", vat="anything goes"),
)
NASTY = st.sampled_from(
    [
        *(
            "",
            " ",
            "|",
            "a|b",
            "||",
            "None",
            "x",
            "1",
            "\n",
            "a\x00",
            "\u202egnp",
            "\u2066",
            "\ud800",
            "\uffff",
            "\u200b",
            "\u00ad",
            "\u3164",
            "\u200b\u200b\u2060",
        ),
        *("e\u0308", "\u0308", "|\u0308", "\u212b", "\u2000", "a\u200cb", "A\u00a0B", "\u0661\u0662"),
        *("us", "ß", "ı", "XX", "ZZ", "EL", "GR", "MC", "IE", "CH", "IN", "AE", "SG"),  # noqa: RUF001
        *("Narnia", "California", "US-CA", "ca", "00000", "12345-6789", "sw1y4jh", "D-10117"),
        *("+49 30 1234567", "+1", "+1 415 555 01234", "+999 123 456 789", "+4 9 30 1234567", "call me"),
        *(
            "Billing@Example.COM",
            "Books@Example.com",
            "info@EXAMPLE.com",
            "INFO@example.com",
            "a@b",
            "a@x.local",
        ),
        *("books@example.com", "rechnung@müller.de", "a@xn--mller-kva.de", ".a@b.com", "a@ex--mple.com"),
        *("en_us", "EN-us", "de", "zh-cmn", "english", "x-private", "i-klingon", "fr-CA"),
        *("EU_VAT", "eu_vat", "us_ein", "ch_vat", "xx_vat", "136695976", "DE 136 695 976", "XI980780684"),
        *("EL094259216", "042103594", "CHE-107.787.577 MWST", "CHE107787577", "nonsense"),
        *(kind.example for kind in TAX_ID_TYPES.values()),
    ]
)
BENT: tuple[Callable[[str], str], ...] = (
    lambda text: f" {text}",
    lambda text: f"{text}\u2003",
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: f"{text}\u202e",
    str.upper,
    str.lower,
    str.swapcase,
    lambda text: text.replace("-", ""),
    lambda text: text * 9,
)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    fields = dict(draw(st.sampled_from(PLAIN)))
    for name in draw(st.lists(st.sampled_from(list(FIELDS)), max_size=3)):
        limit = FIELDS[name].limit
        bent = [st.sampled_from([bend(value) for bend in BENT])] if (value := fields[name]) else []
        long = st.sampled_from([limit, limit + 1]).map("x".__mul__)
        fields[name] = draw(st.one_of(st.none(), NASTY, long, st.text(max_size=12), *bent))
    if draw(st.integers(0, 9)) == 0:
        fields = {name: fields[name] for name in draw(st.permutations(list(fields)))}
        fields.pop(draw(st.sampled_from(list(FIELDS))))
        fields.update(draw(st.sampled_from([{}, {"unknown": " x"}])))
    return fields


@settings(deadline=None, max_examples=500)
@given(profiles())
def test_one_look_says_what_the_rules_say(fields: Profile) -> None:
    normal = normalise(fields)
    found, wrong = examine(fields)
    assert list(found.items()) == list(normal.items())
    assert wrong == problems(normal)


@pytest.mark.parametrize("fields", PLAIN)
def test_a_plain_profile_is_known_at_once(fields: Profile) -> None:
    assert _right_at_once(fields) == normalise(fields)


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("mark", ["|", " ", "\x00", "\u202e", "e\u0308"])
def test_what_is_not_plain_is_looked_at_field_by_field(name: str, mark: str) -> None:
    fields = {**PLAIN[0], name: f"{PLAIN[0][name]}{mark}"}
    assert _right_at_once(fields) is None


def test_the_fields_examined_are_not_the_ones_kept() -> None:
    fields = dict(PLAIN[1])
    kept, _ = examine(fields)
    fields["city"] = None
    assert kept == PLAIN[1]


@pytest.mark.parametrize(
    "change",
    [
        {"secondary_billing_email": PLAIN[0]["billing_email"]},
        {"billing_email": f"{'a' * 243}@example.com"},
        {"company": ""},
        {"unknown": " x "},
    ],
)
def test_what_no_single_field_shows_is_noticed_too(change: Profile) -> None:
    fields = {**PLAIN[0], **change}
    normal = normalise(fields)
    assert _right_at_once(fields) is None
    assert examine(fields) == (normal, problems(normal))


@pytest.mark.parametrize(
    "unseen",
    ["\u200b", "\u00ad", "\u2060\ufeff", "\u200d \u200c", "\u3164", "\u115f", "\u2800", "\ufe0f", "\u034f"],
)
def test_a_text_of_which_nothing_can_be_seen_is_no_name_and_no_address(unseen: str) -> None:
    given = profile(company=unseen, address=unseen, zipcode="10117", country="DE")
    normal, wrong = examine(given)
    assert (normal["company"], normal["address"]) == (None, None)
    assert [problem.pointer for problem in wrong] == ["/first_name", "/address"]
    named = profile(company="M\u00fcller\u00ad GmbH", last_name=unseen, zipcode="10117", country="DE")
    assert examine(named) == ({**named, "last_name": None}, ())
