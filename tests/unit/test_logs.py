"""What is logged: one line each, in one format, whoever speaks and whatever is said."""

import asyncio
import gc
import json
import logging
import os
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from service import logs
from service.logs import LIBRARY, UNCAUGHT, printable
from service.settings import Settings


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a process has once is put back."""
    for owner, hook in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(owner, hook, getattr(owner, hook))
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = before
    structlog.reset_defaults()


class Log:
    """What was logged since the last look."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def line(self) -> dict[str, Any]:
        (line,) = self._capsys.readouterr().err.splitlines()
        told: dict[str, Any] = json.loads(line)
        return told


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Log:
    logs.configure(Settings(log_format="json"))
    return Log(capsys)


def test_a_log_line_is_one_line_of_json_whatever_a_feed_says(log: Log) -> None:
    structlog.get_logger().info(
        "archived",
        title="a\nb\x1b[2J\u202e",
        next_due=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
        feeds=["a\u2066", {"b": "\r"}],
        path=Path("/x\n"),
    )
    told = log.line()
    assert list(told)[:3] == ["timestamp", "level", "event"]
    assert (told["level"], told["event"]) == ("info", "archived")
    assert told["title"] == "a\\nb\\x1b[2J\\u202e"
    assert told["next_due"] == "2026-11-23T08:00:00+00:00"
    assert told["feeds"] == ["a\\u2066", {"b": "\\r"}]
    assert told["path"] == "/x\\n"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain « Größe » 日本語 عربي ฿", None),
        ("photo_\u202egpj.exe", "photo_\\u202egpj.exe"),
        ("\u2066a\u2069\u061c\u200f", "\\u2066a\\u2069\\u061c\\u200f"),
        ("rfi\u200b-fr\u00ad\ufeff\u2060", "rfi\\u200b-fr\\xad\\ufeff\\u2060"),
        ("a\u3164b\u115f\u034f\u2800", "a\\u3164b\\u115f\\u034f\\u2800"),
        ("a\ufe0fb", "a\\ufe0fb"),
        ("\u2764\ufe0f", None),
        ("a\U000e0041", "a\\U000e0041"),
        ("a\u2028b\u0085c\x07\ud800", "a\\u2028b\\x85c\\x07\\ud800"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, escaped: str | None) -> None:
    assert printable(text) == (text if escaped is None else escaped)


@given(st.text())
def test_whatever_the_text_it_is_one_visible_line(text: str) -> None:
    plain = printable(text)
    assert len(plain.splitlines()) <= 1
    assert plain.isprintable()
    assert printable(plain) == plain


# -- others than the service -------------------------------------------------------------------------------------------


def test_a_library_s_warning_has_the_format_of_all_lines(log: Log) -> None:
    logging.getLogger("apscheduler.scheduler").warning("Run time of job %r\nwas missed", "tick")
    told = log.line()
    assert (told["level"], told["event"], told["logger"]) == ("warning", LIBRARY, "apscheduler.scheduler")
    assert told["said"] == "Run time of job 'tick' was missed"


def test_what_libraries_have_to_say_of_their_work_is_left_out(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET https://a.example/")
    logging.getLogger("sqlalchemy.engine").debug("SELECT 1")
    assert capsys.readouterr().err == ""


def test_a_library_s_error_is_one_line_with_its_exception(log: Log) -> None:
    try:
        int("x\ny")
    except ValueError:
        logging.getLogger("sqlalchemy.pool").exception("it failed")
    told = log.line()
    assert told["error"] == "ValueError: invalid literal for int() with base 10: 'x\\ny'"
    assert "test_logs.py:" in told["where"]


def test_a_warning_of_python_s_own_is_a_line_too(log: Log) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
        told = log.line()
    assert (told["logger"], "old ways" in told["said"]) == ("py.warnings", True)


def test_a_task_s_error_that_nobody_asks_for_is_one_line(log: Log) -> None:
    async def fail() -> None:
        raise ValueError("first\nsecond")

    async def main() -> None:
        task = asyncio.ensure_future(fail())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    asyncio.run(main())
    told = log.line()
    assert (told["event"], told["logger"], told["level"]) == (LIBRARY, "asyncio", "error")
    assert told["error"] == "ValueError: first\\nsecond"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_s_error_is_one_line(log: Log) -> None:
    logs.configure(Settings(log_format="json"))  # pytest has put a hook of its own in place
    thread = threading.Thread(target=int, args=("x",), name="resolver")
    thread.start()
    thread.join()
    told = log.line()
    assert (told["event"], told["thread"], told["level"]) == (UNCAUGHT, "resolver", "critical")
    assert told["error"].startswith("ValueError: ")


def test_several_errors_at_once_are_told_by_the_first(log: Log) -> None:
    group = ExceptionGroup("two", [ExceptionGroup("one", [OSError(28, "No space left")]), ValueError()])
    structlog.get_logger().error("failed", exc_info=group)
    assert log.line()["error"] == "OSError: [Errno 28] No space left"


# -- the whole process -------------------------------------------------------------------------------------------------


def said(code: str, **settings: str) -> subprocess.CompletedProcess[str]:
    script = f"from service import logs\nfrom service.settings import Settings\n{textwrap.dedent(code)}"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VEILLE_")}
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=clean | settings
    )


def test_errors_that_nobody_caught_are_lines_and_no_tracebacks() -> None:
    done = said(
        """
        logs.configure(Settings())
        class Held:
            def __del__(self):
                raise KeyError("gone")
        held = Held()
        del held
        raise LookupError("at\\nlast")
        """
    )
    first, second = map(json.loads, done.stderr.splitlines())
    assert (first["event"], first["error"], first["level"]) == (UNCAUGHT, "KeyError: 'gone'", "error")
    assert "__del__" in first["of"]
    assert (second["event"], second["error"], second["level"]) == (UNCAUGHT, "LookupError: at\\nlast", "critical")
    assert done.returncode == 1


def test_a_library_that_logs_wrongly_breaks_nothing() -> None:
    done = said("""
        import logging
        logs.configure(Settings())
        logging.getLogger("httpx").error("%d things", "no")
        """)
    (line,) = map(json.loads, done.stderr.splitlines())
    assert (line["event"], line["said"], done.returncode) == (LIBRARY, "%d things ('no',)", 0)


def test_debugging_shows_where_an_error_came_from_still_as_one_line_of_json() -> None:
    done = said(
        """
        import structlog
        logs.configure(Settings(log_level="debug"))
        try:
            int("x")
        except ValueError:
            structlog.get_logger().exception("failed")
        """
    )
    (line,) = map(json.loads, done.stderr.splitlines())
    assert line["exception"].startswith("Traceback (most recent call last):\n")


def test_another_level_holds_from_the_next_line_on(capsys: pytest.CaptureFixture[str]) -> None:
    log = structlog.get_logger()
    for level, count in (("error", 0), ("info", 1), ("error", 0)):
        logs.configure(Settings(log_level=level, log_format="json"))
        log.info("seen")
        assert len(capsys.readouterr().err.splitlines()) == count


@pytest.mark.parametrize("target", ["/dev/full", None])
def test_a_log_that_cannot_be_written_ends_nothing(target: str | None) -> None:
    script = """
        import os, sys, structlog
        from service import logs
        from service.settings import Settings
        logs.configure(Settings(log_format="json"))
        for _ in range(3000):
            structlog.get_logger().warning("poll failed", error="x" * 100)
        print("went on")
        """
    words = f"2>{target}" if target else "2>&-"
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {words}', sys.executable, textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("went on\n", 0)


# -- the journal -------------------------------------------------------------------------------------------------------

IN_JOURNAL = """
    import os, structlog
    there = os.fstat(2)
    os.environ["JOURNAL_STREAM"] = f"{there.st_dev}:{there.st_ino + OFF}"
    logs.configure(Settings(log_format="FORMAT", log_level="LEVEL"))
    log = structlog.get_logger()
    log.info("archived", feed="rfi-fr", title='Le "titre"', revision=1, section=None)
    log.warning("draining")
    try:
        int("x")
    except ValueError as error:
        log.error("failed", exc_info=True)
    """


def journal(wanted: str = "auto", level: str = "info", off: int = 0) -> list[str]:
    code = IN_JOURNAL.replace("FORMAT", wanted).replace("LEVEL", level).replace("OFF", str(off))
    return said(code).stderr.splitlines()


def test_in_the_journal_a_line_has_its_priority_and_no_time() -> None:
    assert journal() == [
        '<6>archived: feed=rfi-fr title="Le \\"titre\\"" revision=1',
        "<4>draining",
        '<3>failed: error="ValueError: invalid literal for int() with base 10: \'x\'" where="<string>:12 in <module>"',
    ]


def test_every_line_of_a_traceback_in_the_journal_has_its_priority() -> None:
    *_, first, second = journal(level="debug")[:4]
    assert (first, second) == ("<3>failed", "<3>Traceback (most recent call last):")


def test_json_in_the_journal_has_its_priority_too() -> None:
    line = journal("json")[1]
    assert (line[:3], json.loads(line[3:])) == ("<4>", {"level": "warning", "event": "draining"})


def test_a_pipe_that_somebody_has_put_before_the_journal_gets_json() -> None:
    assert json.loads(journal(off=1)[1])["event"] == "draining"


# -- last words --------------------------------------------------------------------------------------------------------

LAST_WORDS = """
    from service import __main__
    logs.configure(Settings(log_format="FORMAT"))
    SERVE
    __main__._say("no room\\nat all", 74)
    """


@pytest.mark.parametrize(
    ("wanted", "serve", "line"),
    [
        ("json", "logs.serve()", {"level": "error", "event": "ended", "reason": "no room; at all", "exit": 74}),
        ("json", "", None),
        ("console", "logs.serve()", None),
    ],
)
def test_a_service_says_in_its_log_why_it_ends_and_a_command_in_plain_words(
    wanted: str, serve: str, line: dict[str, object] | None
) -> None:
    lines = said(LAST_WORDS.replace("FORMAT", wanted).replace("SERVE", serve)).stderr.splitlines()
    if line is None:
        assert lines == ["veille: no room", "veille: at all"]
    else:
        (logged,) = map(json.loads, lines)
        assert {name: logged[name] for name in line} == line
