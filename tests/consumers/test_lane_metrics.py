"""The lag of a partition, also of a lane that is halted."""

import time
from dataclasses import replace
from uuid import uuid4

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
