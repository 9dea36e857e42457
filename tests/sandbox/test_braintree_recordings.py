"""The double of Braintree beside what Braintree's sandbox really answered: the SDK reads both alike.

Every recording is played. An exchange that shows something this product does not use is named in `NOT_OURS`.
"""

import json
from pathlib import Path
from typing import Any

import braintree
import httpx
import pytest
from braintree.util.xml_util import XmlUtil

from sandbox.braintree.world import MERCHANT, PRIVATE_KEY, PUBLIC_KEY
from tests.braintree_double import BraintreeDouble

RECORDINGS = Path(__file__).with_name("braintree_recordings")
NOT_OURS = {
    "fake-venmo-account-nonce": "Venmo is none of the kinds of DOMAIN.md 4: of Braintree's vault only PayPal is used",
    "<subscription>": "subscriptions are Stripe's: Braintree's own, and what they charge by themselves, are not used",
}
"""What a request has in it that the double does not take, and why it need not."""
NO_SUCH_AGREEMENT = "2073"
CHOSEN = (
    *("status", "type", "currency_iso_code", "amount", "order_id", "refund_ids", "gateway_rejection_reason"),
    *("processor_response_code", "processor_response_text", "processor_response_type"),
    *(
        "additional_processor_response",
        "payment_instrument_type",
        "recurring",
        "processor_settlement_response_code",
    ),
)
"""What a charge is judged by."""


def _kinds(value: Any) -> Any:
    """The shape of a parsed answer: names, and what kind of value each has."""
    if isinstance(value, dict):
        return {name: _kinds(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_kinds(one) for one in value[:1]]
    return type(value).__name__ if value not in (None, "") else "empty"


@pytest.mark.parametrize("recording", sorted(RECORDINGS.glob("*.json")), ids=lambda path: path.stem)
def test_the_sdk_reads_our_answers_as_it_reads_braintree_s(
    recording: Path, braintree_double: BraintreeDouble
) -> None:
    ids: dict[str, str] = {}
    with httpx.Client(
        base_url=braintree_double.url, auth=(PUBLIC_KEY, PRIVATE_KEY), trust_env=False
    ) as client:
        for exchange in json.loads(recording.read_text()):
            asked, answered = exchange["request"], exchange["response"]
            _meet(answered, braintree_double)
            path = _ours(asked["path"], ids).replace("/merchants/MERCHANT", f"/merchants/{MERCHANT}")
            answer = client.request(asked["method"], path, content=_ours(asked["body"] or "", ids))
            if _not_ours(asked):
                assert answer.status_code in (404, 422), "what the double takes is to be compared"
                continue
            assert answer.status_code == answered["status"]
            assert answer.headers["content-type"] == answered["content_type"]
            theirs, ours = XmlUtil.dict_from_xml(answered["body"]), XmlUtil.dict_from_xml(answer.text)
            _learn(theirs, ours, ids)
            missing = _lacking(_kinds(theirs), _kinds(ours))
            assert not missing, missing
            assert _charge(ours, braintree_double) == _charge(theirs, braintree_double)


def test_each_reason_to_leave_an_exchange_out_is_of_one_and_no_recording_is_left_out_whole() -> None:
    left_out = []
    for recording in RECORDINGS.glob("*.json"):
        requests = [exchange["request"] for exchange in json.loads(recording.read_text())]
        left_out += [words for one in requests for words in _not_ours(one)]
        assert not all(_not_ours(one) for one in requests), recording.stem
    assert sorted(left_out) == sorted(NOT_OURS)


def _not_ours(asked: dict[str, Any]) -> list[str]:
    return [words for words in NOT_OURS if words in (asked["body"] or "")]


def _meet(answered: dict[str, Any], double: BraintreeDouble) -> None:
    """The recorded charge was made by an agreement that PayPal does not have."""
    if NO_SUCH_AGREEMENT in answered["body"]:
        for method in double.driver.methods():
            double.driver.decline(method["token"], NO_SUCH_AGREEMENT)


def _charge(parsed: dict[str, Any], double: BraintreeDouble) -> dict[str, Any]:
    """What a charge is judged by, as the SDK gives it to its user; nothing for another answer."""
    refused = parsed.get("api_error_response")
    if refused is None:
        return {}
    result = braintree.ErrorResult(double.gateway(), refused)
    return {"message": result.message, **{name: getattr(result.transaction, name) for name in CHOSEN}}


def _ours(text: str, ids: dict[str, str]) -> str:
    for theirs, ours in ids.items():
        text = text.replace(theirs, ours)
    return text


def _learn(theirs: Any, ours: Any, ids: dict[str, str]) -> None:
    for name in ("customer", "paypal_account", "credit_card"):
        for key in ("id", "token"):
            if name in theirs and key in theirs[name]:
                ids[theirs[name][key]] = ours[name][key]


def _lacking(theirs: Any, ours: Any, where: str = "") -> list[str]:
    """What the recorded answer has and ours has not, or of another kind."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return [
            one
            for name, value in theirs.items()
            for one in (
                _lacking(value, ours[name], f"{where}/{name}")
                if name in ours
                else [f"{where}/{name} is missing"]
            )
        ]
    same = theirs == ours or "empty" in (theirs, ours)
    return [] if same or isinstance(theirs, list) else [f"{where} is {ours} instead of {theirs}"]
