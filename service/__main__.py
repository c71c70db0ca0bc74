"""The ``veille`` command: runs a verb, and turns what went wrong into one line and an exit code."""

import errno
import os
import signal
import sys
from pathlib import Path
from typing import cast

import click

from service.cli import veille
from service.errors import ServiceError, SettingsError, first_of
from storage.errors import CorruptArchiveError, CorruptDatabaseError, LockedError, StorageError

BUG, STORAGE, LOCKED, SETTINGS = 1, 74, 75, 78


def main() -> None:
    """Run the command line; shows a traceback only where ``VEILLE_LOG_LEVEL=debug`` asks for it."""
    try:
        code = _run()
    except click.exceptions.Abort:
        code = _say("interrupted", 128 + signal.SIGINT)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except SettingsError as error:
        code = _say(str(error), SETTINGS)
    except LockedError as error:
        code = _say(f"{error}: wait until that ends, or stop it", LOCKED)
    except StorageError as error:
        code = _say(_with_cure(error), STORAGE)
    except ServiceError as error:
        code = _say(str(error), BUG)
    except OSError as error:
        code = _say(_with_cure(error, f"{error.filename or 'output'}: {error.strerror or error}"), STORAGE)
    except Exception as errors:
        from service.logs import where
        from service.settings import debugging

        first = first_of(errors)
        if debugging():
            raise
        what = f"{type(first).__name__}: {first}".removesuffix(": ")
        code = _say(f"bug: {what}, in {where(first)} (VEILLE_LOG_LEVEL=debug shows the whole way there)", BUG)
    sys.exit(code or 0)


def _run() -> int | None:
    """Run the verb; of the errors of tasks that failed together, raises the one that says most."""
    try:
        return cast("int | None", veille.main(prog_name="veille", standalone_mode=False))
    except ExceptionGroup as group:
        # a disk that is full fails every task at once, and is no bug for that
        storage = group.subgroup(StorageError)
        error = first_of(storage or group)
        raise error from error.__cause__  # it says why; the group would only say how many


_CURES: dict[type[Exception], str] = {
    CorruptDatabaseError: "put back a backup, or let veille verify --repair make it again from the records",
    CorruptArchiveError: "veille verify lists all that is damaged; put back a backup, or take damaged files away, "
    "and veille verify --rebuild goes on without them",
    PermissionError: "run veille as the user it belongs to; veille doctor says more",
}


def _with_cure(error: Exception, message: str | None = None) -> str:
    """What went wrong, and what to do where that is known of it or of what it came from."""
    cause: BaseException | None = error
    while cause is not None:
        if (isinstance(cause, OSError) and cause.errno == errno.ENOSPC) or "disk is full" in str(cause):
            return f"{message or error}; make room: nothing acknowledged is lost, and the next start goes on"
        for kind, cure in _CURES.items():
            if isinstance(cause, kind):
                return f"{message or error}; {cure}"
        cause = cause.__cause__
    return message or str(error)


def _say(message: str, code: int) -> int:
    from service import logs

    try:
        if not logs.last_words(message, code):
            priority = "<3>" if logs.is_journal() else ""
            for line in message.splitlines():
                click.echo(f"{priority}veille: {logs.printable(line)}", err=True)
    except OSError:  # the full disk may be the log's too: the exit code tells, if what is left unsaid fails no more
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  until the process ends
    return code


if __name__ == "__main__":  # forkserver workers import this module again; they must not run the command
    main()
