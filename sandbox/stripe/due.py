"""What is due by the clock alone, and is done as of the moment it was due."""

from sandbox.stripe import alarms, subscription_periods
from sandbox.stripe.store import Store

AT_ONCE = 200


def run(store: Store, now: float) -> int:
    """Does everything that has become due, in order of time; how many things that were."""
    done = 0
    while ringing := alarms.ringing(store, now, AT_ONCE):
        with store.transaction():
            # An object may ring again before the next one does: only those of the first moment go together.
            for object_id, at in (one for one in ringing if one[1] == ringing[0][1]):
                subscription_periods.ring(store, object_id, at)
                done += 1
    return done


def next_(store: Store) -> float | None:
    """When something will be due."""
    return alarms.next_(store)
