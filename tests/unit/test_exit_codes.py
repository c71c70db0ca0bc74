"""Errors of tasks that failed together end the command like the one of them that says most."""

import click
import pytest

from service import __main__ as command
from service.cli.context import Verb
from service.errors import ServiceError
from service.units import format_duration
from storage.errors import CorruptArchiveError, CorruptDatabaseError, LockedError, StorageError

FULL = StorageError("the disk is full")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ExceptionGroup("tasks", [FULL, FULL]), 74),
        (ExceptionGroup("tasks", [ValueError("after it"), ExceptionGroup("tasks", [FULL])]), 74),
        (ExceptionGroup("tasks", [LockedError("held")]), 75),
        (ExceptionGroup("tasks", [ValueError("a bug")]), 1),
    ],
    ids=["a full disk twice", "a full disk within, and what came of it", "a lock", "a bug"],
)
def test_a_group_of_errors_ends_with_the_code_of_a_storage_error_in_it(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(command.veille, "main", fail)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == code


def caused_by(cause: Exception) -> StorageError:
    error = StorageError("articles/x.jsonl cannot be written")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FULL, "the disk is full; make room: nothing"),
        (caused_by(OSError(28, "No space left on device")), "No space left on device; make room: nothing"),
        (caused_by(PermissionError(13, "Permission denied")), "Permission denied; run veille as the user"),
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied; run veille as the user"),
        (CorruptArchiveError("x is missing"), "x is missing; veille verify lists all"),
        (CorruptDatabaseError("x is not a database"), "x is not a database; put back a backup"),
        (LockedError("x is held by process 7"), "x is held by process 7: wait until that ends"),
    ],
)
def test_an_error_that_somebody_can_mend_says_how(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(command.veille, "main", fail)
    with pytest.raises(SystemExit):
        command.main()
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_bug_says_where_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command.veille, "main", lambda **_: format_duration(None))  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        command.main()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("veille: bug: TypeError: ")
    assert "in service/units.py:" in line


def test_a_pipe_that_closes_under_a_command_is_no_silent_end(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command(cls=Verb)
    def broken() -> None:
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(ServiceError, match=r"^a pipe to another process was closed, in "):
        broken.main([], standalone_mode=False)
