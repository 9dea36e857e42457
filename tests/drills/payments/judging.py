"""The end of payments in a drill: healed, looked at from outside, judged, and told in figures."""

from collections import Counter
from typing import Any

from state.postgres.drift import Drift
from tests.drills.complaint import Complaint
from tests.drills.payments.checker import check_payments
from tests.drills.payments.company import Company
from tests.drills.payments.evidence import gathered
from tests.drills.payments.healing import heal


async def judged(company: Company) -> tuple[list[Complaint], dict[str, Any]]:
    """Heal, then judge: what is wrong, and the figures. The entry points have to be up."""
    left, repaired = await heal(company)
    evidence = await gathered(company, [_words(one) for one in left])
    complaints = [wrong for payer in company.payers for wrong in payer.shown_wrong]
    complaints += check_payments(evidence)
    statuses = Counter(str(one.answers[-1][0]) for one in evidence.asked if one.answers)
    figures = {
        "payers": sum(bool(payer.customer.requests) for payer in company.payers),
        "payers_requests": len(evidence.asked),
        "payers_repeated": sum(payer.customer.retries for payer in company.payers),
        "payers_answers": dict(sorted(statuses.items())),
        "behind_our_back": dict(sorted(company.behind.done.items())),
        "methods": dict(Counter(f"{one.processor} {one.state}" for one in evidence.methods)),
        "subscriptions": len(evidence.subscriptions),
        "repaired_by_an_operator": len(repaired),
    }
    return complaints, figures


def _words(drift: Drift) -> str:
    one = drift.difference
    return f"{drift.account_id} {one.field}: ours {one.ours}, theirs {one.theirs} ({one.cause})"
