"""What payers were answered beside what their operations say afterwards, and beside what came of the methods. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from tests.drills.complaint import Complaint
from tests.drills.payments.answers import Asked
from tests.drills.payments.evidence import Method, PaymentEvidence

AGREED: Final = "each answer is what its operation says for ever"
TRUE: Final = "no answer is contradicted by what is kept"
Rows = Mapping[tuple[str, str], Method]


def check_operations(evidence: PaymentEvidence) -> Iterator[Complaint]:
    """Each key is one operation; each answer agrees with it and with the rows."""
    rows = {(one.account_id, one.id): one for one in evidence.methods}
    for asked in evidence.asked:
        where = f"account {asked.account_id}, {asked.request[0]} {asked.request[1]}, key {asked.key}"
        for difference in _disagreement(asked):
            yield Complaint(AGREED, where, difference)
        if contradiction := _contradicted(asked, rows):
            yield Complaint(TRUE, where, contradiction)


def _disagreement(asked: Asked) -> Iterator[str]:
    if len(asked.operations) > 1:
        yield f"it is {len(asked.operations)} operations"
    if not asked.answers:
        yield "it was never answered"
        return
    status, result = asked.answers[-1]
    if status == 400:
        yield f"payers send nothing that is invalid, and this was: {result}"
        return
    if status == 503:
        return  # It was to hand over a secret, which Redis lost: the answer said so.
    if asked.told is None:
        yield "nobody knows its operation"
        return
    expected = "applied" if status < 400 else "refused"
    if asked.told["status"] != expected:
        yield f"answered {status}, the operation says {asked.told['status']}"
    elif status < 400 and _without_secret(asked.told["result"]) != _without_secret(result):
        yield f"answered {_without_secret(result)}, the operation says {_without_secret(asked.told['result'])}"


def _without_secret(result: Any) -> Any:
    """A secret is shown for an hour, and only while Redis has it."""
    return {**result, "client_secret": None} if isinstance(result, dict) else result


def _contradicted(asked: Asked, rows: Rows) -> str | None:
    """What a payer was told for certain, and is not so."""
    method, path, _ = asked.request
    if not asked.answers or not path.startswith("payment-methods"):
        return None
    status, result = asked.answers[-1]
    named = result.get("id") if isinstance(result, dict) else None
    row = rows.get((asked.account_id, named or ""))
    if status < 400 and row is None:
        return f"it told of the method {named}, which is not there"
    if method == "DELETE" and status < 400 and row and row.state not in ("detached", "revoked"):
        return f"it was removed and is {row.state}"
    if method == "POST" and path == "payment-methods" and status in range(400, 500):
        return _refused(asked, rows)
    return None


def _refused(asked: Asked, rows: Rows) -> str | None:
    """What was refused is not kept under the operation's name."""
    operation: UUID
    for operation in asked.operations:
        row = rows.get((asked.account_id, operation.hex))
        if row is not None and row.state in ("active", "expired", "pending_setup"):
            return f"it was refused and is {row.state}"
    return None
