"""What a log line says of a failure."""

import subprocess
import sys

_FAILING = """
import structlog
from fleet.logs import configure

configure("INFO")
try:
    address = "ada" + "@example.com"
    {}[address]
except KeyError:
    structlog.get_logger().exception("handler_failed")
"""


def test_a_traceback_shows_places_and_not_the_values_on_the_way() -> None:
    done = subprocess.run([sys.executable, "-c", _FAILING], capture_output=True, text=True, check=True)
    assert '"exc_type": "KeyError"' in done.stderr
    assert '"lineno"' in done.stderr
    assert "ada@example.com" not in done.stderr
