"""Ids in Stripe's form: a prefix and random letters and digits."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 14) -> str:
    """For example `cus_NffrFeUfNV2Hib`."""
    number = secrets.randbits(length * 6)
    letters = []
    for _ in range(length):
        number, place = divmod(number, 62)
        letters.append(_ALPHABET[place])
    return f"{prefix}_{''.join(letters)}"
