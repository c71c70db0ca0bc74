"""Log lines: structlog, for people on a terminal, as JSON elsewhere; whatever a feed says cannot break a line."""

import logging
import sys
from datetime import datetime

import structlog

from service.choices import LogFormat
from service.settings import Settings


def configure(settings: Settings) -> None:
    """Send structlog and the standard library's loggers to standard error, in the chosen format and level."""
    as_json = settings.log_format is LogFormat.JSON or (
        settings.log_format is LogFormat.AUTO and not sys.stderr.isatty()
    )
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _plain,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(level, logging.WARNING), format="%(levelname)s %(name)s: %(message)s", force=True)


def _plain(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Times as ISO 8601, control characters escaped: a title must not move the cursor or forge a line."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = printable(value)
        elif isinstance(value, datetime):
            event[key] = value.isoformat(timespec="seconds")
    return event


def printable(text: str) -> str:
    """``text`` with control characters and line breaks written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
