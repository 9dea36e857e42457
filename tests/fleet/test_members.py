"""Members as they are built from the settings."""

from fleet.members import policy_of
from fleet.settings import Settings
from handlers.policy import USUAL
from topics.accounts import AccountType


def test_the_limits_of_the_business_come_from_the_settings() -> None:
    assert policy_of(Settings()) == USUAL
    found = policy_of(Settings(payment_methods_per_account=5, payment_methods_per_enterprise_account=20))
    assert (found.methods, found.methods_of[AccountType.ENTERPRISE]) == (5, 20)
