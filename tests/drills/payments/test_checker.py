"""The checker of payments complains of each way of being wrong, and of nothing else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from tests.drills.payments import checker, operations_check
from tests.drills.payments.answers import Asked
from tests.drills.payments.checker import check_payments
from tests.drills.payments.evidence import Method, PaymentEvidence, Shown

ACCOUNT, CUSTOMER = "a" * 32, "cus_1"
BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
OPERATION: Final = UUID("019ab0d2-6f2c-7a31-8c1e-3f5b1d2a9c44")
TOKEN: Final = OPERATION.hex
Change = Callable[[PaymentEvidence], object]


def method(n: int, processor: str, reference: str, **given: Any) -> Method:
    fields: dict[str, Any] = {
        "id": reference if processor == "braintree" else f"{n:032x}",
        "kind": "PAYPAL" if processor == "braintree" else "CREDIT_CARD",
        "state": "active",
        "is_default": False,
        "chosen_on": None,
        "created_on": BEGAN + timedelta(seconds=n),
        **given,
    }
    return Method(ACCOUNT, processor=processor, reference=reference, **fields)


def world() -> PaymentEvidence:
    """An account with two cards and PayPal, the second card chosen; one subscription; everything in order."""
    first, second = method(1, "stripe", "pm_1"), method(2, "stripe", "pm_2", is_default=True, chosen_on=BEGAN)
    paypal = method(3, "braintree", TOKEN)
    ladder = [second, first, paypal]
    listed = [{"id": one.id, "status": "active", "default": one.is_default} for one in ladder]
    agrees = {"subscription": "sub_1", "agrees": True}
    collection = {"collection_method": "send_invoice", "subscriptions": [agrees]}
    subscription = {"id": "sub_1", "customer": CUSTOMER, "status": "active"}
    request = ("POST", "payment-methods", {"type": "PAYPAL"})
    result = {"id": TOKEN, "status": "active", "client_secret": None}
    return PaymentEvidence(
        accounts=[ACCOUNT],
        links={ACCOUNT: CUSTOMER},
        methods=[first, second, paypal],
        mirror={"sub_1": {"status": "active", "collection_method": "send_invoice"}},
        shown={ACCOUNT: Shown(listed, listed[0], collection)},
        customers=[
            {
                "id": CUSTOMER,
                "metadata": {"account_id": ACCOUNT},
                "invoice_settings": {"default_payment_method": "pm_2"},
            }
        ],
        kept=[{"id": "pm_1", "customer": CUSTOMER}, {"id": "pm_2", "customer": CUSTOMER}],
        subscriptions=[{**subscription, "collection_method": "send_invoice", "days_until_due": 7}],
        intents=[{"id": "seti_1", "status": "succeeded", "metadata": {"operation": "1"}}],
        payers=[{"id": ACCOUNT}],
        vault=[
            {
                "token": TOKEN,
                "customer_id": ACCOUNT,
                "default": True,
                "revoked_at": None,
                "email": "payer@example.com",
            }
        ],
        ledger=[("customer.created", ACCOUNT), ("payment_method.created", TOKEN)],
        asked=[
            Asked(
                ACCOUNT,
                "key-1",
                request,
                frozenset({OPERATION}),
                [(200, result)],
                {"status": "applied", "result": result},
            )
        ],
    )


def promises(evidence: PaymentEvidence) -> set[str]:
    return {complaint.promise for complaint in check_payments(evidence)}


def row(evidence: PaymentEvidence, place: int, **changes: Any) -> None:
    rows = list(evidence.methods)
    rows[place] = replace(rows[place], **changes)
    evidence.methods = rows


def test_a_world_in_order_gives_no_cause_for_complaint() -> None:
    assert list(check_payments(world())) == []


def without_a_default(evidence: PaymentEvidence) -> None:
    row(evidence, 1, is_default=False)


def with_two_defaults(evidence: PaymentEvidence) -> None:
    row(evidence, 0, is_default=True)


def with_another_default_than_was_chosen(evidence: PaymentEvidence) -> None:
    row(evidence, 1, is_default=False)
    row(evidence, 0, is_default=True)


def with_another_default_at_the_iapi(evidence: PaymentEvidence) -> None:
    shown = evidence.shown[ACCOUNT]
    evidence.shown = {ACCOUNT: replace(shown, default=shown.methods[1])}


def with_a_list_in_another_order(evidence: PaymentEvidence) -> None:
    shown = evidence.shown[ACCOUNT]
    evidence.shown = {ACCOUNT: replace(shown, methods=list(shown.methods)[::-1])}


def with_another_default_at_stripe(evidence: PaymentEvidence) -> None:
    settings = {"default_payment_method": "pm_1"}
    evidence.customers = [{**evidence.customers[0], "invoice_settings": settings}]


def without_a_default_at_stripe(evidence: PaymentEvidence) -> None:
    settings = {"default_payment_method": None}
    evidence.customers = [{**evidence.customers[0], "invoice_settings": settings}]


def without_a_default_at_braintree(evidence: PaymentEvidence) -> None:
    evidence.vault = [{**evidence.vault[0], "default": False}]


def with_a_subscription_that_is_charged(evidence: PaymentEvidence) -> None:
    charged = {"collection_method": "charge_automatically", "days_until_due": None}
    evidence.subscriptions = [{**evidence.subscriptions[0], **charged}]
    evidence.mirror = {"sub_1": {"status": "active", "collection_method": "charge_automatically"}}


def with_another_term(evidence: PaymentEvidence) -> None:
    evidence.subscriptions = [{**evidence.subscriptions[0], "days_until_due": 30}]


def without_a_mirror(evidence: PaymentEvidence) -> None:
    evidence.mirror = {}


def with_a_mirror_that_is_behind(evidence: PaymentEvidence) -> None:
    evidence.mirror = {"sub_1": {"status": "past_due", "collection_method": "send_invoice"}}


def with_another_value_at_the_iapi(evidence: PaymentEvidence) -> None:
    collection = {"collection_method": "charge_automatically", "subscriptions": []}
    evidence.shown = {ACCOUNT: replace(evidence.shown[ACCOUNT], collection=collection)}


def with_an_iapi_that_sees_a_disagreement(evidence: PaymentEvidence) -> None:
    disagrees = {"subscription": "sub_1", "agrees": False}
    collection = {"collection_method": "send_invoice", "subscriptions": [disagrees]}
    evidence.shown = {ACCOUNT: replace(evidence.shown[ACCOUNT], collection=collection)}


def with_an_agreement_twice(evidence: PaymentEvidence) -> None:
    evidence.ledger = [*evidence.ledger, ("payment_method.created", TOKEN)]


def with_a_payer_twice(evidence: PaymentEvidence) -> None:
    evidence.vault = [*evidence.vault, {**evidence.vault[0], "token": "f" * 32, "default": False}]


def with_an_agreement_that_we_do_not_know(evidence: PaymentEvidence) -> None:
    other = {"token": "f" * 32, "email": "other@example.com", "default": False}
    evidence.vault = [*evidence.vault, {**evidence.vault[0], **other}]


def with_an_agreement_under_another_customer(evidence: PaymentEvidence) -> None:
    evidence.vault = [{**evidence.vault[0], "customer_id": "b" * 32}]


def with_an_agreement_that_is_revoked(evidence: PaymentEvidence) -> None:
    evidence.vault = [{**evidence.vault[0], "revoked_at": "2026-01-01T00:00:00Z"}]


def without_the_agreement(evidence: PaymentEvidence) -> None:
    evidence.vault = []


def with_a_card_that_we_do_not_know(evidence: PaymentEvidence) -> None:
    evidence.kept = [*evidence.kept, {"id": "pm_3", "customer": CUSTOMER}]


def with_a_card_that_stripe_let_go(evidence: PaymentEvidence) -> None:
    evidence.kept = evidence.kept[1:]


def with_a_card_that_was_removed(evidence: PaymentEvidence) -> None:
    row(evidence, 0, state="detached")
    with_another_list(evidence)


def with_a_card_that_is_pending(evidence: PaymentEvidence) -> None:
    evidence.methods = [*evidence.methods, method(4, "stripe", "pm_card_visa", state="pending_setup")]


def with_a_card_of_nobodys_customer(evidence: PaymentEvidence) -> None:
    evidence.kept = [*evidence.kept, {"id": "pm_3", "customer": "cus_2"}]


def with_another_list(evidence: PaymentEvidence) -> None:
    shown = evidence.shown[ACCOUNT]
    ids = {one.id for one in evidence.methods if one.state == "active"}
    evidence.shown = {ACCOUNT: replace(shown, methods=[one for one in shown.methods if one["id"] in ids])}


def with_a_second_customer_at_stripe(evidence: PaymentEvidence) -> None:
    evidence.customers = [*evidence.customers, {**evidence.customers[0], "id": "cus_2"}]


def without_the_customer_at_stripe(evidence: PaymentEvidence) -> None:
    evidence.customers = []


def with_a_customer_at_braintree_that_is_nobodys(evidence: PaymentEvidence) -> None:
    evidence.payers = [*evidence.payers, {"id": "b" * 32}]


def with_two_setups_of_one_operation(evidence: PaymentEvidence) -> None:
    evidence.intents = [*evidence.intents, {**evidence.intents[0], "id": "seti_2"}]


def with_a_setup_that_stays_open(evidence: PaymentEvidence) -> None:
    evidence.intents = [{**evidence.intents[0], "status": "requires_action"}]


def with_a_drift_report(evidence: PaymentEvidence) -> None:
    evidence.left = ["name: ours Ada, theirs Eve"]


def with_a_secret_in_a_table(evidence: PaymentEvidence) -> None:
    evidence.leaks = ["table journal"]


def with_a_webhook_given_up(evidence: PaymentEvidence) -> None:
    evidence.given_up = [CUSTOMER]


def asked(evidence: PaymentEvidence, **changes: Any) -> None:
    evidence.asked = [replace(evidence.asked[0], **changes)]


def with_two_operations_of_one_key(evidence: PaymentEvidence) -> None:
    asked(evidence, operations=frozenset({OPERATION, UUID(int=7)}))


def with_a_request_without_an_answer(evidence: PaymentEvidence) -> None:
    asked(evidence, answers=())


def with_an_operation_that_nobody_knows(evidence: PaymentEvidence) -> None:
    asked(evidence, told=None)


def with_an_operation_that_says_otherwise(evidence: PaymentEvidence) -> None:
    asked(evidence, told={"status": "refused", "result": None})


def with_an_operation_of_another_result(evidence: PaymentEvidence) -> None:
    asked(evidence, told={"status": "applied", "result": {"id": "f" * 32}})


def with_a_method_that_was_refused_and_kept(evidence: PaymentEvidence) -> None:
    asked(evidence, answers=[(402, None)], told={"status": "refused", "result": None})


def with_a_method_that_is_not_there(evidence: PaymentEvidence) -> None:
    elsewhere = {"id": "f" * 32}
    asked(evidence, answers=[(200, elsewhere)], told={"status": "applied", "result": elsewhere})


def with_a_removed_method_that_stays(evidence: PaymentEvidence) -> None:
    asked(evidence, request=("DELETE", f"payment-methods/{TOKEN}", None))


WRONG: Final[dict[Change, str]] = {
    without_a_default: checker.ONE_DEFAULT,
    with_two_defaults: checker.ONE_DEFAULT,
    with_another_default_than_was_chosen: checker.ONE_DEFAULT,
    with_another_default_at_the_iapi: checker.ONE_DEFAULT,
    with_a_list_in_another_order: checker.ONE_DEFAULT,
    with_another_default_at_stripe: checker.SAME_DEFAULT,
    without_a_default_at_stripe: checker.SAME_DEFAULT,
    without_a_default_at_braintree: checker.SAME_DEFAULT,
    with_a_subscription_that_is_charged: checker.COLLECTED,
    with_another_term: checker.COLLECTED,
    without_a_mirror: checker.COLLECTED,
    with_a_mirror_that_is_behind: checker.COLLECTED,
    with_another_value_at_the_iapi: checker.COLLECTED,
    with_an_iapi_that_sees_a_disagreement: checker.COLLECTED,
    with_an_agreement_twice: checker.VAULTED,
    with_an_agreement_that_we_do_not_know: checker.VAULTED,
    with_a_payer_twice: checker.VAULTED,
    with_an_agreement_that_is_revoked: checker.VAULTED,
    with_a_card_that_we_do_not_know: checker.KEPT,
    with_a_card_that_stripe_let_go: checker.KEPT,
    with_a_card_that_was_removed: checker.KEPT,
    with_a_card_that_is_pending: checker.KEPT,
    with_a_card_of_nobodys_customer: checker.KEPT,
    with_a_second_customer_at_stripe: checker.ORPHANS,
    without_the_customer_at_stripe: checker.ORPHANS,
    with_a_customer_at_braintree_that_is_nobodys: checker.ORPHANS,
    with_two_setups_of_one_operation: checker.SETUPS,
    with_a_setup_that_stays_open: checker.SETUPS,
    with_a_drift_report: checker.NO_DRIFT,
    with_a_secret_in_a_table: checker.SECRETS,
    with_a_webhook_given_up: checker.HEARD,
    with_two_operations_of_one_key: operations_check.AGREED,
    with_a_request_without_an_answer: operations_check.AGREED,
    with_an_operation_that_nobody_knows: operations_check.AGREED,
    with_an_operation_that_says_otherwise: operations_check.AGREED,
    with_an_operation_of_another_result: operations_check.AGREED,
    with_a_method_that_was_refused_and_kept: operations_check.TRUE,
    with_a_method_that_is_not_there: operations_check.TRUE,
    with_a_removed_method_that_stays: operations_check.TRUE,
}


@pytest.mark.parametrize(("change", "promise"), WRONG.items(), ids=lambda one: getattr(one, "__name__", None))
def test_what_is_wrong_is_noticed_and_nothing_else(change: Change, promise: str) -> None:
    evidence = world()
    change(evidence)
    assert promises(evidence) == {promise}


@pytest.mark.parametrize(
    "change", [with_an_agreement_under_another_customer, without_the_agreement], ids=lambda one: one.__name__
)
def test_an_agreement_that_is_not_where_it_should_be_is_noticed(change: Change) -> None:
    evidence = world()
    change(evidence)
    assert checker.VAULTED in promises(evidence)


def test_a_secret_that_redis_lost_is_no_disagreement() -> None:
    evidence = world()
    asked(evidence, answers=[(503, None)], told={"status": "applied", "result": None})
    assert promises(evidence) == set()


def test_without_paypal_stripe_charges_by_itself() -> None:
    evidence = world()
    row(evidence, 2, state="revoked")
    evidence.vault = [{**evidence.vault[0], "revoked_at": "2026-01-01T00:00:00Z"}]
    with_another_list(evidence)
    assert promises(evidence) == {checker.COLLECTED}


def test_a_subscription_that_is_over_is_collected_as_it_was() -> None:
    evidence = world()
    ended = {"status": "canceled", "collection_method": "charge_automatically"}
    evidence.subscriptions = [{**evidence.subscriptions[0], **ended}]
    evidence.mirror = {"sub_1": ended}
    assert promises(evidence) == set()
