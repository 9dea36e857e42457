"""The double as a child process of a test or a drill."""

import re
import sys
from pathlib import Path

from sandbox.stripe.process import Child, spawn

READY = "Braintree double ready at "


def start(data: Path, *arguments: str, port: int = 0) -> Child:
    """A double with its state in `data`; `arguments` as on its command line. Raises DidNotStart."""
    command = [sys.executable, "-m", "sandbox.braintree", "--port", str(port), "--data", str(data.resolve())]
    return spawn([*command, *arguments], re.compile(re.escape(READY) + r"(?P<url>\S+)"))
