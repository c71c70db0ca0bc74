"""Data directory, disk, database and archive."""

import os
import pwd
from datetime import datetime, timedelta
from pathlib import Path

from service.health.check import Check, Kind, Result
from service.settings import PREFIX, Settings
from service.units import format_days, format_duration, format_size
from storage.checkup import check_up, misfits
from storage.database import open_database
from storage.errors import StorageError
from storage.lock import holder
from storage.model import Note
from storage.usage import usage

NO_SPACE = 100_000_000
"""Bytes: less than a day of many feeds, and a database that cannot grow."""
FEW_DAYS = 14
"""Of room at the present rate."""
FEW_FILES = 10_000
"""Inodes."""
CHECK_OVERDUE = timedelta(days=8)
"""A weekly check of the archive that is older has been missed."""


def check_directory(directory: Path) -> Check:
    """Whether the data directory can be used, by this user."""

    def told(result: Result, detail: str) -> Check:
        return Check("data directory", result, f"{directory}: {detail}", Kind.STORAGE)

    me = _user(os.geteuid())
    if not directory.exists():
        parent = _existing(directory)
        if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
            return told(Result.OK, "not there yet, the first crawl makes it")
        return told(Result.PROBLEM, f"not there, and {me} cannot make it: {parent} is not a directory {me} may write")
    if not directory.is_dir():
        return told(Result.PROBLEM, "this is no directory")
    owner = directory.stat().st_uid
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        return told(
            Result.PROBLEM, f"{me} cannot write it, it is {_user(owner)}'s: run veille as {_user(owner)}, or chown"
        )
    inside = [path for path in (directory / "veille.db", directory / "articles") if path.exists()]
    if closed := [path.name for path in inside if not os.access(path, os.R_OK | os.W_OK)]:
        return told(Result.PROBLEM, f"{me} cannot write {' and '.join(closed)} in it: chown to {_user(owner)}")
    if others := [path.name for path in inside if path.stat().st_uid != owner]:
        return told(Result.WARNING, f"it is {_user(owner)}'s, but not {' and '.join(others)} in it: chown to one user")
    if owner != os.geteuid():
        return told(Result.WARNING, f"it is {_user(owner)}'s: what {me} writes there, {_user(owner)} may not change")
    return told(Result.OK, f"writable, and {me}'s own")


def check_space(settings: Settings, now: datetime) -> Check:
    """Room on the disk, now and at the rate of the last days."""

    def told(result: Result, detail: str) -> Check:
        return Check("disk space", result, detail, Kind.STORAGE)

    directory = _existing(settings.data_dir)
    system = os.statvfs(directory)
    free = system.f_bavail * system.f_frsize
    detail = f"{format_size(free)} free in the file system of {directory}"
    if free < NO_SPACE:
        return told(Result.PROBLEM, f"{detail}: make room")
    if free < settings.min_free:
        least = f"{PREFIX}MIN_FREE={format_size(settings.min_free)}"
        return told(Result.WARNING, f"{detail}, less than {least}: make room before it is full")
    if system.f_files and system.f_favail < FEW_FILES:
        return told(Result.WARNING, f"{detail}, but room for {system.f_favail} files only: remove some, or move it")
    try:
        days = usage(settings.data_dir, now).days_left if settings.data_dir.is_dir() else None
    except OSError:  # rights: another check says so
        days = None
    if days is None:
        return told(Result.OK, detail)
    if days < FEW_DAYS:
        return told(Result.WARNING, f"{detail}, which lasts {format_days(days)} at the present rate: make room")
    return told(Result.OK, f"{detail}, enough for {format_days(days)} at the present rate")


def check_lock(directory: Path) -> Check:
    """Whether a service is at work."""
    try:
        process = holder(directory)
    except OSError as error:
        return Check("lock", Result.OK, f"not known: {error.strerror}", Kind.STORAGE)
    if process is None:
        return Check("lock", Result.OK, "free: no veille is at work here", Kind.STORAGE)
    return Check("lock", Result.OK, f"held by process {process}, so veille is at work here", Kind.STORAGE)


def check_archive(settings: Settings, now: datetime) -> Check:
    """Whether all files are there and long enough, as a start looks, and what the last check of all of it found."""

    def told(result: Result, detail: str) -> Check:
        return Check("archive", result, detail, Kind.STORAGE)

    if settings.database_url is None and not _is_file(settings.data_dir / "veille.db"):
        return told(Result.OK, "none yet, the first crawl makes it")
    try:
        store = open_database(settings.database, readonly=True)
        try:
            wrong, records, checked = misfits(settings.data_dir, store), store.balance()[1], store.notes().get("verify")
        finally:
            store.close()
    except StorageError as error:
        return told(Result.WARNING, f"it cannot be looked at: {error}")
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        cure = "veille verify tells all of it, docs/operating.md what to do"
        return told(Result.PROBLEM, f"{'; '.join(wrong[:3])}{more}; {cure}")
    return told(*_last_check(checked, settings, now, f"{records} record{'' if records == 1 else 's'}"))


def _last_check(checked: Note | None, settings: Settings, now: datetime, detail: str) -> tuple[Result, str]:
    detail += ", every file there and long enough"
    if checked is None:
        return Result.OK, f"{detail}; never checked as a whole: veille verify does, as veille run does in time"
    ago = format_duration(max(now - checked.at, timedelta(0)) // timedelta(hours=1) * timedelta(hours=1))
    if not checked.is_good:
        return Result.PROBLEM, f"{checked.text}, when checked {ago} ago; veille verify tells whether it still is so"
    if settings.verify_at is not None and now - checked.at > CHECK_OVERDUE:
        cure = f"is veille run up at {PREFIX}VERIFY_AT={settings.verify_at}? veille verify does it now"
        return Result.WARNING, f"{detail}, but last checked as a whole {ago} ago: {cure}"
    return Result.OK, f"{detail}; sound when checked as a whole {ago} ago"


def check_database(settings: Settings) -> Check:
    """Whether the database opens, is this program's, and can be read."""

    def told(result: Result, detail: str) -> Check:
        return Check("database", result, detail, Kind.STORAGE)

    file = settings.data_dir / "veille.db"
    if settings.database_url is None and not os.access(settings.data_dir, os.X_OK) and settings.data_dir.exists():
        return told(Result.PROBLEM, f"{file} cannot be looked at: no rights")
    if settings.database_url is None and not file.exists():
        if any(settings.data_dir.glob("articles/*/*.jsonl*")):
            return told(Result.WARNING, f"{file} is missing; the next crawl makes it again from the records")
        return told(Result.OK, "none yet, the first crawl makes it")
    try:
        found = check_up(settings.database)
    except StorageError as error:
        return told(Result.PROBLEM, str(error))
    if found.damage is not None:
        cure = "a backup, or veille verify --repair: it is set aside, and made again from the records"
        return told(Result.PROBLEM, f"it is damaged ({found.damage}); put back {cure}")
    detail = f"revision {found.revision}"
    if found.bytes is not None:
        size = format_size(found.bytes)
        detail += f", {size}, read through and sound" if found.read_through else f", {size}, too large to read through"
    if found.is_older:
        return told(Result.WARNING, f"{detail}; the next crawl or run brings it up to date")
    return told(Result.OK, f"{detail}, opens")


def _existing(path: Path) -> Path:
    """The path, or the nearest above it that is there."""
    return next(above for above in (path.absolute(), *path.absolute().parents) if above.exists())


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:
        return False
