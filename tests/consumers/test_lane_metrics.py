"""The lag of a partition, also of a lane that is halted."""

import time
from dataclasses import replace
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from consumers.lane import LANES
from consumers.lane_metrics import LaneMetrics
from consumers.positions import Position


def test_what_a_halted_lane_never_read_is_as_old_as_the_halt() -> None:
    lane = replace(LANES["commands"], group=f"test.{uuid4().hex}")
    metrics, unread = LaneMetrics(lane), Position(0, 10)
    labels = {"group": lane.group, "topic": lane.topic.name, "partition": "0"}

    def seconds() -> float | None:
        metrics.positions([unread], lambda _partition: 160)
        return REGISTRY.get_sample_value("billing_consumer_lag_seconds", labels)

    assert seconds() == 0
    metrics.halted()
    time.sleep(0.05)
    metrics.halted()
    assert (seconds() or 0) >= 0.05
    unread.cursor = 160
    assert seconds() == 0
    metrics.gone(0)


def test_what_is_written_after_the_halt_is_not_as_old_as_the_halt(monkeypatch: pytest.MonkeyPatch) -> None:
    lane = replace(LANES["commands"], group=f"test.{uuid4().hex}")
    metrics, caught_up = LaneMetrics(lane), Position(0, 160)
    labels = {"group": lane.group, "topic": lane.topic.name, "partition": "0"}

    def seconds(now: float, end: int) -> float | None:
        monkeypatch.setattr(time, "time", lambda: now)
        metrics.positions([caught_up], lambda _partition: end)
        return REGISTRY.get_sample_value("billing_consumer_lag_seconds", labels)

    assert seconds(1_000, 160) == 0
    metrics.halted()
    assert seconds(4_598, 160) == 0
    assert seconds(4_600, 161) == 2
    assert seconds(4_700, 170) == 102
    metrics.gone(0)
