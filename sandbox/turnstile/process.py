"""The double as a child process of a test or a drill."""

import re
import sys

from sandbox.stripe.process import Child, spawn

READY = "Turnstile double ready at "


def start(*, port: int = 0) -> Child:
    """A double that knows nothing yet. Raises DidNotStart."""
    command = [sys.executable, "-m", "sandbox.turnstile", "--port", str(port)]
    return spawn(command, re.compile(re.escape(READY) + r"(?P<url>\S+)"))
