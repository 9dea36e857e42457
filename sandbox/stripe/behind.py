"""Changes behind everybody's back, as a person makes them in the processor's own dashboard.

Stored and told by events like any other, only that no request caused them; silently, when asked for.
"""

from sandbox.stripe import customers, events, objects, subscription_state
from sandbox.stripe.objects import Body
from sandbox.stripe.store import Store

UPDATED = {
    "customer": "customer.updated",
    "payment_method": "payment_method.updated",
    "price": "price.updated",
    "product": "product.updated",
    "tax_id": "customer.tax_id.updated",
}
DELETED = {
    "price": "price.deleted",
    "product": "product.deleted",
    "tax_id": "customer.tax_id.deleted",
}


def change(store: Store, old: Body, body: Body, at: float) -> None:
    """The object's new state, in the open transaction."""
    kind = old["object"]
    if kind == subscription_state.KIND:
        subscription_state.save(store, old, body, at)
        return
    objects.update(store, old, body, at)
    if kind in UPDATED:
        events.emit(store, at=at, type=UPDATED[kind], body=body, previous=old)


def remove(store: Store, old: Body, at: float) -> Body:
    """Deletes an object with what belongs to it, in the open transaction; returns the stub."""
    kind = old["object"]
    if kind == customers.KIND:
        return customers.remove(store, old, at)
    if kind == subscription_state.KIND:
        return subscription_state.end(store, old, at, reason="cancellation_requested")
    stub = objects.delete(store, old, at)
    if kind in DELETED:
        events.emit(store, at=at, type=DELETED[kind], body=old)
    return stub
