"""Whether the promises about payment methods were kept, judged from outside. Pure: evidence in, complaints out.

The rules are written anew here, from DOMAIN.md 4 and not from the code that is judged.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tests.drills.complaint import Complaint
from tests.drills.payments.evidence import Body, Method, PaymentEvidence
from tests.drills.payments.operations_check import check_operations

ONE_DEFAULT: Final = "exactly one default while any method is active"
SAME_DEFAULT: Final = "both processors have the account's default"
COLLECTED: Final = "each subscription is collected as the account's methods say"
VAULTED: Final = "each agreement is in the vault once, for the account that has it"
KEPT: Final = "the processors keep what the account has, and nothing else"
ORPHANS: Final = "no customer at a processor is nobody's"
SETUPS: Final = "one setup for each operation, and none is left open"
NO_DRIFT: Final = "the drift report is empty at rest"
SECRETS: Final = "no secret of a payment is written anywhere"
HEARD: Final = "no webhook of a known customer is given up"

DUE_DAYS: Final = 7
OVER: Final = ("canceled", "incomplete_expired", "incomplete")
OPEN: Final = ("requires_action", "requires_confirmation", "processing")
STANDING: Final = ("active", "expired")


def check_payments(evidence: PaymentEvidence) -> Iterator[Complaint]:
    """Everything."""
    for account in evidence.accounts:
        methods = [one for one in evidence.methods if one.account_id == account]
        yield from _one_default(account, methods, evidence)
        yield from _same_default(account, methods, evidence)
        yield from _collected(account, methods, evidence)
        yield from _kept(account, methods, evidence)
    yield from _vaulted(evidence)
    yield from _strangers_methods(evidence)
    yield from _orphans(evidence)
    yield from _setups(evidence)
    yield from check_operations(evidence)
    yield from _rest(evidence)


def ladder(methods: Iterable[Method], processor: str | None = None) -> list[Method]:
    """Active methods in the order in which they are charged: the one chosen last first, then the oldest."""
    usable = [one for one in methods if one.state == "active"]
    chosen = max((one.chosen_on for one in usable if one.chosen_on), default=None)
    first = min((one.created_on for one in usable), default=None)
    ordered = sorted(usable, key=lambda one: (one.created_on, one.id))
    for one in usable:
        if (one.chosen_on == chosen) if chosen else (one.created_on == first and one is ordered[0]):
            ordered = [one, *(other for other in ordered if other is not one)]
            break
    return [one for one in ordered if processor in (None, one.processor)]


def _one_default(account: str, methods: Sequence[Method], evidence: PaymentEvidence) -> Iterator[Complaint]:
    where = f"account {account}"
    wanted = [one.id for one in ladder(methods)[:1]]
    kept = [one.id for one in methods if one.is_default]
    shown = evidence.shown[account]
    listed = [one["id"] for one in shown.methods if one["default"]]
    told = [shown.default["id"]] if shown.default else []
    for what, found in (("the rows have", kept), ("the list shows", listed), ("/default answers", told)):
        if found != wanted:
            yield Complaint(ONE_DEFAULT, where, f"it is {wanted}, {what} {found}")
    order = [one["id"] for one in shown.methods if one["status"] == "active"]
    if order != [one.id for one in ladder(methods)]:
        yield Complaint(ONE_DEFAULT, where, f"the list is not in the order of charging: {order}")


def _same_default(account: str, methods: Sequence[Method], evidence: PaymentEvidence) -> Iterator[Complaint]:
    where = f"account {account}"
    customer = _customer(evidence, evidence.links.get(account))
    if customer is not None:
        wanted = [one.reference for one in ladder(methods, "stripe")[:1]]
        held = customer["invoice_settings"]["default_payment_method"]
        if wanted != ([held] if held else []):
            yield Complaint(SAME_DEFAULT, where, f"ours at Stripe is {wanted}, theirs {held}")
    agreements = [one.reference for one in ladder(methods, "braintree")[:1]]
    defaults = [one["token"] for one in evidence.vault if one["customer_id"] == account and one["default"]]
    if agreements and defaults != agreements:
        yield Complaint(SAME_DEFAULT, where, f"ours at Braintree is {agreements}, theirs {defaults}")


def _collected(account: str, methods: Sequence[Method], evidence: PaymentEvidence) -> Iterator[Complaint]:
    """PayPal among the active methods, even beside a card, has invoices sent; else Stripe charges by itself."""
    paypal = any(one.kind == "PAYPAL" and one.state == "active" for one in methods)
    wanted = ("send_invoice", DUE_DAYS) if paypal else ("charge_automatically", None)
    link = evidence.links.get(account)
    for one in evidence.subscriptions:
        if link is None or one["customer"] != link:
            continue
        where = f"account {account}, {one['id']}"
        found = (one["collection_method"], one["days_until_due"] if paypal else None)
        if one["status"] not in OVER and found != wanted:
            yield Complaint(COLLECTED, where, f"it shall be {wanted} and is {found}")
        row = evidence.mirror.get(one["id"])
        held = (one["status"], one["collection_method"])
        if row is None or (row["status"], row["collection_method"]) != held:
            yield Complaint(COLLECTED, where, f"it is {held} at Stripe, the mirror has {row}")
    told = evidence.shown[account].collection
    if told.get("collection_method") != wanted[0]:
        yield Complaint(COLLECTED, f"account {account}", f"it shall be {wanted[0]}, the iAPI answers {told}")
    disagreeing = [one["subscription"] for one in told.get("subscriptions", ()) if not one["agrees"]]
    settled = [one["id"] for one in evidence.subscriptions if one["status"] not in OVER]
    if wrong := [one for one in disagreeing if one in settled]:
        yield Complaint(COLLECTED, f"account {account}", f"the iAPI says that Stripe disagrees on {wrong}")


def _kept(account: str, methods: Sequence[Method], evidence: PaymentEvidence) -> Iterator[Complaint]:
    """What stands in our rows is attached to the account's customer at Stripe, and the other way round."""
    where = f"account {account}"
    link = evidence.links.get(account)
    theirs = sorted(one["id"] for one in evidence.kept if link is not None and one["customer"] == link)
    ours = sorted(one.reference for one in methods if one.processor == "stripe" and one.state in STANDING)
    if ours != theirs:
        yield Complaint(KEPT, where, f"ours are {ours}, Stripe's {theirs}")
    pending = [one.id for one in methods if one.state == "pending_setup"]
    if pending:
        yield Complaint(KEPT, where, f"nothing is under way, and these are pending: {pending}")


def _vaulted(evidence: PaymentEvidence) -> Iterator[Complaint]:
    """The token is our name of it: whoever has the row is whose customer it is under."""
    rows = {(one.account_id, one.reference): one for one in evidence.methods if one.processor == "braintree"}
    for held in evidence.vault:
        row = rows.get((held["customer_id"], held["token"]))
        where = f"account {held['customer_id']}, token {held['token']}"
        expected = "revoked" if held["revoked_at"] else "active"
        if row is None or row.state != expected:
            yield Complaint(VAULTED, where, f"it is {expected} at Braintree, ours is {row}")
    there = {(one["customer_id"], one["token"]) for one in evidence.vault}
    for place, row in rows.items():
        if row.state in ("active", "pending_setup") and place not in there:
            yield Complaint(
                VAULTED, f"account {place[0]}, token {place[1]}", f"{row.state}, not in the vault"
            )
    made = Counter(token for what, token in evidence.ledger if what == "payment_method.created")
    payers = Counter(one["email"] for one in evidence.vault)
    for name, number in (*made.items(), *payers.items()):
        if number > 1:
            yield Complaint(VAULTED, name, f"it was vaulted {number} times")


def _strangers_methods(evidence: PaymentEvidence) -> Iterator[Complaint]:
    """What is attached to a customer that no account of the payers has."""
    ours = {evidence.links.get(account) for account in evidence.accounts}
    for one in evidence.kept:
        if one["customer"] not in ours:
            yield Complaint(KEPT, f"{one['id']} of {one['customer']}", "nobody's customer has it")


def _orphans(evidence: PaymentEvidence) -> Iterator[Complaint]:
    """One customer at Stripe for each account that has one; Braintree's have the ids of accounts that tried PayPal."""
    ours = set(evidence.accounts)
    holders = {evidence.links[account] for account in ours if account in evidence.links}
    for one in evidence.customers:
        named = one["metadata"].get("account_id")
        if named in ours and evidence.links.get(named) != one["id"]:
            link = evidence.links.get(named)
            yield Complaint(ORPHANS, f"Stripe {one['id']}", f"it says {named}, which has {link}")
    for missing in sorted(holders - {one["id"] for one in evidence.customers}):
        yield Complaint(ORPHANS, f"Stripe {missing}", "it is linked and does not exist")
    paying = {one.account_id for one in evidence.methods if one.processor == "braintree"}
    for one in evidence.payers:
        if one["id"] not in paying:
            yield Complaint(ORPHANS, f"Braintree {one['id']}", "no account of this id ever had PayPal")


def _setups(evidence: PaymentEvidence) -> Iterator[Complaint]:
    made = Counter(one["metadata"].get("operation") for one in evidence.intents)
    for operation, number in made.items():
        if operation is not None and number > 1:
            yield Complaint(SETUPS, f"operation {operation}", f"{number} setup intents")
    for one in evidence.intents:
        if one["status"] in OPEN:
            yield Complaint(SETUPS, one["id"], f"it is {one['status']}, and its time is over")


def _rest(evidence: PaymentEvidence) -> Iterator[Complaint]:
    for difference in evidence.left:
        yield Complaint(NO_DRIFT, "report", difference)
    for place in evidence.leaks:
        yield Complaint(SECRETS, place, "it has a nonce, a client secret or a token")
    for customer in evidence.given_up:
        if customer in evidence.links.values():
            yield Complaint(HEARD, customer, "a webhook of it is a dead letter")


def _customer(evidence: PaymentEvidence, customer_id: str | None) -> Body | None:
    return next((one for one in evidence.customers if one["id"] == customer_id), None)
