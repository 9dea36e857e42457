"""Members as they are built from the settings."""

import time

import pytest
from prometheus_client import REGISTRY

from fleet.members import BUILDERS, has_braintree, policy_of
from fleet.settings import Settings
from handlers.policy import USUAL
from topics.accounts import AccountType


def test_the_limits_of_the_business_come_from_the_settings() -> None:
    assert policy_of(Settings()) == USUAL
    found = policy_of(Settings(payment_methods_per_account=5, payment_methods_per_enterprise_account=20))
    assert (found.methods, found.methods_of[AccountType.ENTERPRISE]) == (5, 20)


@pytest.mark.parametrize(
    "missing", [None, "braintree_merchant_id", "braintree_public_key", "braintree_private_key"]
)
def test_braintree_is_asked_with_all_of_its_keys_only(missing: str | None) -> None:
    given = dict.fromkeys(("braintree_merchant_id", "braintree_public_key", "braintree_private_key"), "given")
    if missing is not None:
        given[missing] = ""
    assert has_braintree(Settings.model_validate(given)) is (missing is None)


@pytest.mark.parametrize("name", ["reconciler", "webhooks"])
def test_a_light_consumer_tells_when_it_last_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    member = BUILDERS[name](Settings())
    assert member.running.polled_at <= time.monotonic()  # type: ignore[attr-defined]
    monkeypatch.setattr(member.running._consumer._reading, "polled_at", time.monotonic() - 100)  # type: ignore[attr-defined]
    assert (REGISTRY.get_sample_value("billing_poll_age_seconds", {"lane": name}) or 0) >= 100
