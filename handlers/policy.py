"""What the business sets and the code only obeys: read once from the settings, handed to every decision."""

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from topics.accounts import AccountType
from topics.value import value


@value
class Policy:
    """`methods` is how many payment methods an account may keep; `methods_of` says otherwise for some types."""

    methods: int = 2
    methods_of: Mapping[AccountType, int] = field(default_factory=lambda: {AccountType.ENTERPRISE: 10})


USUAL: Final = Policy()
