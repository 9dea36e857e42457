"""Logs: one JSON object a line on standard error, without personal data."""

import logging
import sys
from typing import Any, Final

import structlog
from structlog.typing import ExcInfo, Processor

_places: Final = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def _traceback(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """What kind of failure and where. Variables on the way hold whole commands, and messages of failures
    quote rows and fields: neither is logged, as either may be personal data."""
    return [{**found, "exc_value": "", "exc_notes": []} for found in _places(exc_info)]


def configure(level: str) -> None:
    """Send structlog's and the standard library's logs the same way."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.ExceptionRenderer(_traceback),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("aiokafka", "httpx", "httpcore", "stripe", "uvicorn.access", "faststream"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # FastStream comes with a handler of its own, which writes coloured lines for a terminal.
    faststream = logging.getLogger("faststream")
    faststream.handlers.clear()
    faststream.propagate = True
