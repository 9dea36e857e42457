"""Idempotency keys of the calls of one effect."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from consumers.performing import Work


def fresh_key(work: Work, generation: int, params: Mapping[str, Any]) -> str:
    """Of the effect, what was asked for, this claim and the parameters.

    For a call that is made again only after its unknown outcome was looked up: it must not be given the old
    answer, as the object may have been changed by others since.
    """
    claim = int(work.effect.leased_until.timestamp() * 1_000_000)
    body = hashlib.sha256(orjson.dumps(params, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    return f"{work.effect.id}:{generation}:{claim}:{body}"
