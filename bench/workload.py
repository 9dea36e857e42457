"""Commands as customers and services send them: whole billing profiles, seeded, no two alike.

A message has about 820 bytes of key, body and headers (900 on the wire): nine countries, e-mail addresses
and telephone numbers of their own, a tax id with a check digit for a quarter, upserts and replacements.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import md5
from typing import Final
from uuid import UUID

from stdnum.iso7064 import mod_11_10

from producers.trace import new_id, traceparent
from topics.codec import encode_body, encode_headers
from topics.message import Actor, Envelope, Message, Role
from topics.profiles import ProfileFields, ReplaceProfile, UpsertProfile

CUSTOMER: Final = Actor("tok_0123456789abcdef", Role.CUSTOMER, "dashboard")
TAX_IDS: Final = 0.25
"""The share of profiles with a tax id, where their country has one that is made here."""

FIRST: Final = ("Ada", "Grace", "Edsger", "Barbara", "Donald", "Frances", "Jürgen", "Zoë", "Noam", "Tomasz")
LAST: Final = (
    "Lovelace",
    "Hopper",
    "Dijkstra",
    "Liskov",
    "Knuth",
    "Allen",
    "Müller",
    "Nuñez",
    "Łuczak",
    "Ito",
)
TRADES: Final = ("Analytics", "Logistics", "Bakery", "Networks", "Optics", "Robotics", "Textiles", "Press")
STREETS: Final = ("Main Street", "Station Road", "Lindenallee", "Rue du Port", "Via Roma", "Kungsgatan")


@dataclass(frozen=True, slots=True)
class Place:
    """Where customers live: the address parts of one city, how it is dialled, its language and tax ids."""

    country: str
    city: str
    state: str | None
    zipcodes: tuple[int, int]
    zipcode: str
    telephone: str
    locale: str
    tax_id: Callable[[random.Random], str] | None = None
    tax_id_type: str | None = None


def _german_vat(dice: random.Random) -> str:
    number = str(dice.randrange(10_000_000, 99_999_999))
    return f"DE{number}{mod_11_10.calc_check_digit(number)}"


def _french_vat(dice: random.Random) -> str:
    digits = [int(digit) for digit in str(dice.randrange(10_000_000, 99_999_999))]
    doubled = [sum(divmod(2 * digit, 10)) if n % 2 else digit for n, digit in enumerate(digits)]
    siren = int("".join(map(str, digits)) + str(-sum(doubled) % 10))
    return f"FR{(12 + 3 * (siren % 97)) % 97:02d}{siren}"


def _swedish_vat(dice: random.Random) -> str:
    digits = [5, 5, *(dice.randrange(10) for _ in range(7))]
    doubled = [digit if n % 2 else sum(divmod(2 * digit, 10)) for n, digit in enumerate(digits)]
    return f"SE{''.join(map(str, digits))}{-sum(doubled) % 10}01"


def _american_ein(dice: random.Random) -> str:
    return f"{dice.choice(('04', '12', '20', '36', '47', '83'))}-{dice.randrange(10**6, 10**7)}"


PLACES: Final = (
    Place(
        "US", "Springfield", "IL", (62701, 62799), "{}", "+1 217 555 {:04d}", "en-US", _american_ein, "us_ein"
    ),
    Place("US", "Austin", "TX", (78701, 78799), "{}", "+1 512 555 {:04d}", "en-US", _american_ein, "us_ein"),
    Place("DE", "Köln", None, (50667, 51149), "{}", "+49 221 55{:04d}1", "de-DE", _german_vat),
    Place("FR", "Lyon", None, (69001, 69009), "{}", "+33 4 72 55 {:04d}", "fr-FR", _french_vat, "eu_vat"),
    Place(
        "SE", "Göteborg", None, (100, 999), "411 {:.2}", "+46 31 55 {:04d}", "sv-SE", _swedish_vat, "eu_vat"
    ),
    Place("GB", "Leeds", None, (1, 9), "LS{} 4AP", "+44 113 49{:04d}0", "en-GB"),
    Place("CA", "Toronto", "ON", (1, 9), "M5V {}A1", "+1 416 555 {:04d}", "en-CA"),
    Place("JP", "Setagaya-ku", "Tokyo", (1540001, 1540024), "{}", "+81 3 5550 {:04d}", "ja-JP"),
    Place("BR", "Campinas", "SP", (13010, 13098), "{}-110", "+55 19 3255 {:04d}", "pt-BR"),
    Place("IN", "Pune", "Maharashtra", (411001, 411062), "{}", "+91 20 2555 {:04d}", "en-IN"),
    Place("NL", "Utrecht", None, (3511, 3585), "{} AB", "+31 30 255 {:04d}", "nl-NL"),
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as Kafka takes it."""

    id: UUID
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]

    @property
    def size(self) -> int:
        """Bytes of the key, the body and the headers."""
        return len(self.key) + len(self.value) + sum(len(name) + len(value) for name, value in self.headers)


def account_ids(count: int) -> list[str]:
    """The ids of the first accounts, spread like random ones and the same in every run."""
    return [account_id(number) for number in range(count)]


def account_id(number: int) -> str:
    """The id of one account; PostgreSQL can make it too."""
    return md5(str(number).encode(), usedforsecurity=False).hexdigest()


def profile(dice: random.Random, number: int) -> dict[str, str | None]:
    """The fields of a valid profile; `number` makes its addresses unique."""
    place = dice.choice(PLACES)
    first, last = dice.choice(FIRST), dice.choice(LAST)
    company = f"{last} {dice.choice(TRADES)} International {number % 1000}"
    taxed = place.tax_id is not None and dice.random() < TAX_IDS * 11 / 5
    zipcode = place.zipcode.format(str(dice.randint(*place.zipcodes)))
    return {
        "first_name": first,
        "last_name": last,
        "company": company,
        "address": f"{dice.randrange(1, 400)} {dice.choice(STREETS)}, {dice.choice(TRADES)} Park North",
        "address2": f"Building {dice.randrange(1, 9)}, c/o {first} {last}, accounts payable department",
        "city": place.city,
        "state": place.state,
        "zipcode": zipcode,
        "country": place.country,
        "telephone": place.telephone.format(number % 10_000),
        "vat": place.tax_id(dice) if taxed and place.tax_id else None,
        "tax_id_type": place.tax_id_type if taxed else None,
        "billing_email": f"invoices.{number}@billing.{last.encode('ascii', 'ignore').decode().lower()}.example.com",
        "secondary_billing_email": f"{dice.getrandbits(64):016x}@accounts-payable.example.org",
        "preferred_locale": place.locale,
    }


def commands(
    count: int, accounts: list[str], *, seed: int, reply_to: str | None = None
) -> Iterator[Outgoing]:
    """Upserts and replacements of random accounts' profiles, half of each."""
    dice = random.Random(seed)
    for number in range(count):
        model: type[ProfileFields] = UpsertProfile if dice.random() < 0.5 else ReplaceProfile
        fields = model(**profile(dice, number))
        yield outgoing(dice.choice(accounts), fields, reply_to=reply_to)


def outgoing(account_id: str, message: Message | ProfileFields, *, reply_to: str | None = None) -> Outgoing:
    """One message with a fresh id, as an entry point sends it."""
    assert isinstance(message, Message)
    found = new_id()
    envelope = Envelope(
        found, message.type, account_id, CUSTOMER, reply_to=reply_to, traceparent=traceparent(None)
    )
    return Outgoing(found, account_id.encode(), encode_body(message), encode_headers(envelope))
