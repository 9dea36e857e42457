"""Whatever is told of a migration, in whatever order: which reference a method is charged by."""

from hypothesis import given
from hypothesis import strategies as st

from tests.handlers.payment_worlds import event, method
from tests.handlers.paypal_worlds import (
    BATCH,
    CHARGED_AT,
    LEGACY,
    VERIFIED,
    back,
    found,
    imported,
    migration,
    migrations,
    ready,
    step_failed,
    verified,
    with_legacy,
)
from tests.handlers.worlds import World
from topics.message import Message, Role
from topics.payment_methods import BraintreeMethodObserved, RemovePaymentMethod
from topics.paypal_migrations import (
    MigratePayPal,
    MigrationState,
    PayPalCharged,
    PayPalOldRevoked,
    PayPalRolledBack,
    PayPalTurnedBack,
    ReviewPayPalMigrations,
)

STEPS = st.lists(
    st.sampled_from(
        [
            "migrate",
            "found",
            "imported",
            VERIFIED,
            "ready",
            "charged",
            "old revoked",
            "turned back",
            "rolled back",
            "failed",
            "back",
            "remove",
            "review",
            "revoked",
        ]
    ),
    max_size=25,
)


def told(world: World, method_id: str, step: str) -> tuple[Message, Role]:
    state = migration(world, method_id).state if migrations(world).rows else MigrationState.FOUND
    messages: dict[str, Message] = {
        "migrate": MigratePayPal(batch=BATCH, dry_run=False),
        "found": found(method_id),
        "imported": imported(method_id),
        VERIFIED: verified(method_id),
        "ready": ready(method_id),
        "charged": PayPalCharged(reference=method_id, charged_at=CHARGED_AT),
        "old revoked": PayPalOldRevoked(method_id=method_id, batch=BATCH),
        "turned back": PayPalTurnedBack(method_id=method_id, batch=BATCH),
        "rolled back": PayPalRolledBack(method_id=method_id, batch=BATCH),
        "failed": step_failed(method_id, state),
        "back": back(method_id),
        "remove": RemovePaymentMethod(method_id=method_id),
        "review": ReviewPayPalMigrations(),
        "revoked": BraintreeMethodObserved(reference=LEGACY, seen=event(90), revoked=True),
    }
    return messages[step], Role.SUPPORT


@given(steps=STEPS)
def test_whatever_is_told_in_whatever_order_the_method_is_charged_by_one_of_its_two_references(
    steps: list[str],
) -> None:
    world, method_id = with_legacy()
    for step in steps:
        before = migrations(world).rows.get((method_id, BATCH))
        world.tell(*told(world, method_id, step))
        after = migrations(world).rows.get((method_id, BATCH))
        reference = method(world, method_id).details.reference
        assert reference in (LEGACY, method_id)
        if after is None:
            continue
        if after.turning or after.state in (MigrationState.SWITCHED, MigrationState.OLD_REVOKED):
            assert reference == method_id
        elif not method(world, method_id).gone and not after.over:
            assert reference == LEGACY
        if after.state is MigrationState.OLD_REVOKED and before and before.state is MigrationState.SWITCHED:
            assert step == "old revoked"
        if before is not None and before.charged and step == "back":
            assert after == before
        assert after.version >= (before.version if before else 1)
