"""Log lines: for people on a terminal and in the journal, as JSON elsewhere; nothing that is said can break a line.

    what the service says ──┐
    what libraries say ─────┼─▶ in one line, escaped ─▶ console · journal · JSON ─▶ standard error
    errors nobody caught ───┘

Every line has an ``event`` whose words never vary; what varies stands in fields beside it. In the journal a line begins
with its priority (sd-daemon(3)) and has no time of its own, for the journal gives it both. A line that cannot be
written, because the disk of the log is full or its reader gone, is dropped: the service goes on.
"""

import json
import logging
import os
import re
import sys
import threading
import traceback
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from service.choices import LogFormat, LogLevel
from service.errors import first_of
from service.settings import Settings, journal_stream

UNCAUGHT = "bug: an error that nobody caught"
LIBRARY = "said by a library"
_LONGEST = 2_000
"""Characters of what a library says: asyncio shows whole tasks."""
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
_ROOT = f"{Path(__file__).parents[1]}{os.sep}"
_OURS = tuple(f"{_ROOT}{package}{os.sep}" for package in ("service", "storage"))


def configure(settings: Settings) -> None:
    """Send the service's words, those of libraries and uncaught errors to standard error, in one format and level.

    May be called again: from then on the other format and level hold.
    """
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    is_debugging = settings.log_level is LogLevel.DEBUG
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_traceback if is_debugging else _with_error,
            _plain,
            *_renderers(settings.log_format),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Lines,
        cache_logger_on_first_use=False,  # a reload may bring another level
    )
    libraries = max(level, logging.WARNING)
    logging.basicConfig(level=libraries, handlers=[_Libraries()], force=True)
    logging.captureWarnings(capture=True)
    if not is_debugging:
        sys.excepthook = _uncaught
        sys.unraisablehook = _unraisable
        threading.excepthook = _uncaught_in_thread


def serve() -> None:
    """From now on this process is a service: its last words are a line of its log, too."""
    global _is_service
    _is_service = True


_is_service = False


def last_words(message: str, code: int) -> bool:
    """Say in the log why a service ends; False where this process is none, or its log is for people on a terminal."""
    if not _is_service or structlog.get_config()["processors"][-1] not in {_json, _json_for_journal, _for_journal}:
        return False
    structlog.get_logger().error("ended", reason="; ".join(message.splitlines()), exit=code)
    return True


def where(error: BaseException) -> str | None:
    """The innermost place in this program an error came through; in a library's, where it never was in ours."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_OURS)] or frames
    return f"{ours[-1].filename.removeprefix(_ROOT)}:{ours[-1].lineno} in {ours[-1].name}" if ours else None


def is_journal() -> bool:
    """Whether standard error goes to the journal itself, not to a pipe or file somebody has put between."""
    with suppress(OSError, ValueError, AttributeError):
        there = os.fstat(sys.stderr.fileno())
        return journal_stream() == f"{there.st_dev}:{there.st_ino}"
    return False


def _renderers(wanted: LogFormat) -> list[Processor]:
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    console = structlog.dev.ConsoleRenderer(colors=is_terminal, pad_event_to=0)
    if is_journal():
        return [_for_journal if wanted is not LogFormat.JSON else _json_for_journal]
    if wanted is LogFormat.JSON or (wanted is LogFormat.AUTO and not is_terminal):
        return [_json]
    return [console]


class _Lines:
    """Writes lines to standard error, whatever that is at the time; what cannot be written is dropped."""

    _one_at_a_time = threading.Lock()

    def __init__(self, *_: object) -> None:
        pass

    def msg(self, line: str) -> None:
        with self._one_at_a_time, suppress(OSError, ValueError):
            if (stream := sys.stderr) is None:
                return
            try:
                descriptor = stream.fileno()
            except OSError:  # not a file
                stream.write(f"{line}\n")
                return
            # past the stream's buffer, which would keep what a full disk refused, and fail once more at the end
            data = f"{line}\n".encode(stream.encoding or "utf-8", "backslashreplace")
            while data:
                data = data[os.write(descriptor, data) :]

    debug = info = warning = error = critical = msg


# -- libraries, and what nobody caught ---------------------------------------------------------------------------------


class _Libraries(logging.Handler):
    """What libraries say by ``logging``: of the same look as all else, and a line each."""

    def emit(self, record: logging.LogRecord) -> None:
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  the library's arguments do not fit its message
            message = f"{record.msg} {record.args}"
        said = " ".join(message.split())[:_LONGEST]
        more: dict[str, Any] = {"exc_info": record.exc_info} if record.exc_info else {}
        structlog.get_logger().log(level, LIBRARY, logger=record.name, said=said, **more)


def _uncaught(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        structlog.get_logger().critical(UNCAUGHT, exc_info=error)


def _uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
    if not issubclass(told.exc_type, SystemExit):
        thread = told.thread.name if told.thread is not None else None
        structlog.get_logger().critical(UNCAUGHT, thread=thread, exc_info=told.exc_value or told.exc_type())


def _unraisable(told: "sys.UnraisableHookArgs") -> None:
    # its object may be half gone: only its type is safe to name
    of = getattr(told.object, "__qualname__", None) or type(told.object).__qualname__
    structlog.get_logger().error(UNCAUGHT, at=told.err_msg, of=of, exc_info=told.exc_value or told.exc_type())


# -- one line ----------------------------------------------------------------------------------------------------------


def _with_error(_logger: object, _method: str, event: EventDict) -> EventDict:
    """An exception as two fields: what it says, and where it came from."""
    if (error := _exception(event.pop("exc_info", None))) is not None:
        first = first_of(error)
        event["error"] = f"{type(first).__name__}: {first}".removesuffix(": ")
        event["where"] = where(first)
    return event


def _with_traceback(_logger: object, _method: str, event: EventDict) -> EventDict:
    if (error := _exception(event.pop("exc_info", None))) is not None:
        event["exception"] = "".join(traceback.format_exception(error)).rstrip()
    return event


def _exception(given: Any) -> BaseException | None:
    """The exception of an ``exc_info``: itself, a tuple of it with its type and traceback, or True for the current."""
    if isinstance(given, BaseException):
        return given
    found = given[1] if isinstance(given, tuple) else sys.exception() if given else None
    return found if isinstance(found, BaseException) else None


def _plain(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Times as ISO 8601, whatever would break or forge a line escaped; the time, the level and the event first."""
    first = {name: event.pop(name) for name in ("timestamp", "level", "event")}
    trace = event.pop("exception", None)
    plain = {name: _plain_value(value) for name, value in (*first.items(), *event.items())}
    if trace is not None:  # asked for by VEILLE_LOG_LEVEL=debug: the only thing that ever takes more than one line
        plain["exception"] = "\n".join(map(printable, trace.splitlines()))
    return plain


def _plain_value(value: object) -> object:
    match value:
        case str():
            return printable(value)
        case datetime():
            return value.isoformat(timespec="seconds")
        case bool() | int() | float() | None:
            return value
        case Mapping():
            return {str(key): _plain_value(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain_value(one) for one in value]
    return printable(str(value))


def _json(_logger: object, _method: str, event: EventDict) -> str:
    return json.dumps(event, ensure_ascii=False)


def _json_for_journal(_logger: object, _method: str, event: EventDict) -> str:
    del event["timestamp"]
    return f"<{_PRIORITIES[event['level']]}>{json.dumps(event, ensure_ascii=False)}"


def _for_journal(_logger: object, _method: str, event: EventDict) -> str:
    what, level, trace = event.pop("event"), event.pop("level"), event.pop("exception", None)
    del event["timestamp"]
    fields = [f"{name}={_word(value)}" for name, value in event.items() if value is not None]
    lines = [" ".join([f"{what}:" if fields else what, *fields]), *(trace.splitlines() if trace else ())]
    return "\n".join(f"<{_PRIORITIES[level]}>{line}" for line in lines)


def _word(value: object) -> str:
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False) if not value or re.search(r'[\s"=]', value) else value


# -- escaping ----------------------------------------------------------------------------------------------------------

_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""What has no look of its own, although Unicode counts it as printable: fillers, blanks, selectors of variants."""
_EMOJI = "\ufe0e\ufe0f"


def printable(text: str) -> str:
    r"""``text`` in one line that looks like no other: what cannot be seen, or moves what can, is written as an escape.

    That is control characters, line breaks, marks of direction (a right-to-left override turns ``gpj.exe`` round),
    joiners and spaces without a width, lone surrogates, and all blanks but the space.
    """
    if text.isprintable() and not _UNSEEN.search(text):
        return text
    return "".join(
        character if _is_seen(character, before) else character.encode("unicode_escape").decode()
        for before, character in zip(f" {text}", text, strict=False)
    )


def _is_seen(character: str, before: str) -> bool:
    if character in _EMOJI:  # how a symbol is drawn is seen; on letters it would be hidden
        return unicodedata.category(before).startswith("S")
    return character.isprintable() and not _UNSEEN.match(character)
