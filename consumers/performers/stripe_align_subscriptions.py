"""How a customer's subscriptions are collected: as it is derived from the account's methods, on each of them."""

from dataclasses import replace
from typing import Final

from consumers.performers.stripe_align_email import give_email
from consumers.performers.stripe_alignment import Alignment
from consumers.performers.stripe_answers import done, look
from consumers.performers.stripe_keys import fresh_key
from consumers.performers.stripe_shown import sentence, understood
from consumers.stripe_facts import subscription_observed
from handlers.collection_method import DAYS_UNTIL_DUE, Derived, derived
from handlers.subscription import FINAL
from observability.crash import crash_point
from state.stripe import subscriptions
from state.stripe.answers import Done, Refused
from state.stripe.customers import Customer
from state.stripe.odd import Odd
from state.stripe.subscriptions import Subscription
from topics.payment_methods import CollectionMethod
from topics.subscriptions import SubscriptionStatus

FIXED: Final = FINAL | {SubscriptionStatus.INCOMPLETE}
"""States in which Stripe takes no such change (docs.stripe.com/api/subscriptions/object#subscription_object-status).
One that is incomplete becomes active or is over within a day, and is looked at again then."""


async def bring_collection(alignment: Alignment, customer: Customer, *, default_stands: bool) -> None:
    """List them at Stripe, which knows more than our mirror, and change those that differ; tell of all.

    A payment method of their own is only taken away while the default stands that they follow instead. Where it does
    not, one that differs by that alone is not told of either: word of it would have this done again at once.
    """
    wanted = derived(alignment.seen.methods)
    possible = replace(wanted, follows=wanted.follows and default_stands)
    unreachable = wanted.value is CollectionMethod.SEND_INVOICE and not customer.email
    async for page in subscriptions.of_customer(alignment.ask, alignment.customer_id):
        listed, at = look(page)
        alignment.refusals += [sentence(one.id, one.reason) for one in listed if isinstance(one, Odd)]
        for found in understood(listed):
            if _met(wanted, found):
                alignment.told.append(subscription_observed(found, at))
            elif found.status not in FIXED and not _met(possible, found):
                if unreachable:
                    await give_email(alignment)
                    unreachable = False
                await _flip(alignment, found, possible)


def _met(wanted: Derived, found: Subscription) -> bool:
    return wanted.met_by(found.collection_method, found.days_until_due, found.default_payment_method)


async def _flip(alignment: Alignment, found: Subscription, wanted: Derived) -> None:
    """One that ended meanwhile is told of by its own event; what can't be flipped otherwise is for support.

    So is one that Stripe left as it was without refusing: word of it would have this done again without end.
    """
    pinned = found.default_payment_method if wanted.follows else None
    sent = {found.id: wanted.value.value, "unpinned": pinned}
    answer = await subscriptions.collect_by(
        alignment.ask,
        found.id,
        wanted.value,
        DAYS_UNTIL_DUE,
        unpin=pinned is not None,
        key=fresh_key(alignment.work, alignment.seen.effect.generation, sent),
    )
    crash_point("payments.collection_flipped")
    if isinstance(answer, Refused):
        await _refused(alignment, found.id, answer)
        return
    flipped, at = look(answer)
    if isinstance(flipped, Odd):
        alignment.refusals.append(sentence(flipped.id, flipped.reason))
        return
    if not _met(wanted, flipped):
        alignment.refusals.append(
            f"{found.id}: Stripe answered the change by leaving the subscription as it was."
        )
        return
    alignment.told.append(subscription_observed(flipped, at))


async def _refused(alignment: Alignment, subscription_id: str, refused: Refused) -> None:
    answer = await subscriptions.retrieve(alignment.ask, subscription_id)
    if isinstance(answer, Done) and isinstance(answer.value, Subscription) and answer.value.status in FIXED:
        _, at = look(answer)
        alignment.told.append(subscription_observed(answer.value, at))
    elif not isinstance(answer, Refused):
        done(answer)
        alignment.refused(subscription_id, refused)
