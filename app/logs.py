"""How the processes log: one line an event, on standard error."""

from __future__ import annotations

import sys

import structlog


def configure() -> None:
    """Set logging up. Tracebacks hold no values of local variables: these are what people typed, passwords too."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
