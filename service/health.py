"""What a service needs of the machine it runs on, and whether it has it. Looks only: nothing is made or locked.

The lock is read off ``/proc/locks``: even taken for a moment, it would turn away a service that starts just then.
"""

import os
import pwd
import resource
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from service.net.freshness import http_date
from service.net.response import Response
from service.net.slots import SLOW_SHARE
from service.net.transport import MAX_IDLE, public_authorities
from service.settings import PREFIX, Settings
from service.units import format_duration, format_size
from storage.checkup import check_up
from storage.errors import StorageError
from storage.lock import LOCK_NAME
from storage.model import Feed

LITTLE_SPACE, NO_SPACE = 1_000_000_000, 100_000_000
"""Bytes: some months of a few feeds; less than a day of many, and a database that cannot grow."""
FEW_FILES = 10_000
"""Inodes."""
FIRST_YEAR = 2026
"""Of this program; a clock that is before it has not been set."""
CLOCK_OFF, CLOCK_WRONG = timedelta(seconds=5), timedelta(hours=1)
"""Servers say whole seconds, caches give an age in seconds: less than 5 tells nothing. Conditional requests do not
depend on the clock, the times in records and the order of polls do; an hour off, ``skipHours`` and new certificates
go wrong too."""
_OTHER_FILES = 64
"""Open files beside connections: the archive, the database, pipes to the workers."""


class Result(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    """It works; better know."""
    PROBLEM = "problem"
    """Something does not work."""


class Kind(StrEnum):
    """What a problem is one of."""

    SETUP = "setup"
    """Settings, feeds, or the machine's own set-up."""
    STORAGE = "storage"
    FEED = "feed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, what came of it, and what to do."""

    name: str
    result: Result
    detail: str
    kind: Kind = Kind.SETUP


def check_machine(
    settings: Settings, env_file: Path | None, feeds: Sequence[Feed], catalogue: Path | None, now: datetime
) -> Iterator[Check]:
    """All that can be told without a network, in the order in which one thing needs the other."""
    yield _settings(settings, env_file or Path(".env"))
    yield _feeds(feeds, catalogue)
    yield _contact(settings)
    yield _clock(settings, now)
    yield _directory(settings.data_dir)
    yield _space(_existing(settings.data_dir))
    yield _lock(settings.data_dir / LOCK_NAME)
    yield _database(settings)
    yield _open_files(settings)
    yield _workers(settings)
    yield _certificates()


def check_clock(answers: Sequence[tuple[Response, datetime]]) -> Check:
    """The clock against those of servers: one answer of each, and when it had come."""
    offsets = [offset for answer, at in answers if (offset := _offset(answer, at)) is not None]
    if not offsets:
        return Check("server clocks", Result.OK, "no server said what time it has")
    off = median(offsets)
    detail = f"{format_duration(timedelta(seconds=round(abs(off))))} {'behind' if off > 0 else 'ahead of'} servers"
    detail = f"{detail} (median of {len(offsets)})"
    if abs(off) < CLOCK_OFF.total_seconds():
        return Check("server clocks", Result.OK, f"this clock agrees with them (median of {len(offsets)})")
    result = Result.WARNING if abs(off) < CLOCK_WRONG.total_seconds() else Result.PROBLEM
    return Check("server clocks", result, f"this clock is {detail}, and so are the times in records: set it (NTP)")


def _offset(answer: Response, at: datetime) -> float | None:
    """Seconds the server is ahead, as little as its whole seconds and the time on the way allow."""
    try:
        date = http_date(answer.header("date") or "")
        age = answer.header("age") or ""
        date += timedelta(seconds=int(age[:9]) if age.isdecimal() else 0)
    except (ValueError, TypeError, OverflowError):
        return None
    least, most = (date - at).total_seconds(), (date - at).total_seconds() + 1 + answer.seconds
    return 0.0 if least <= 0 <= most else least if least > 0 else most


# -- settings ----------------------------------------------------------------------------------------------------------


def _settings(settings: Settings, env_file: Path) -> Check:
    names = sorted(PREFIX + name.upper() for name in settings.model_fields_set)  # names only: a value may be a secret
    source = f"{env_file} and the environment" if env_file.exists() else f"the environment; there is no {env_file}"
    return Check("settings", Result.OK, f"from {source}; set: {', '.join(names) or 'none, all are defaults'}")


def _feeds(feeds: Sequence[Feed], catalogue: Path | None) -> Check:
    where = str(catalogue) if catalogue else "the shipped RFI catalogue, for there is no feeds.toml here"
    off = sum(not feed.enabled for feed in feeds)
    if not feeds:
        return Check("feeds", Result.PROBLEM, f"there are none in {where}; veille feeds add URL adds one")
    if off == len(feeds):
        return Check("feeds", Result.WARNING, f"all {off} of {where} are off; veille feeds enable NAME")
    return Check("feeds", Result.OK, f"{len(feeds) - off} on, {off} off, in {where}")


def _contact(settings: Settings) -> Check:
    said = settings.user_agent or settings.contact or ""
    if "@" in said or "://" in said:
        return Check("contact", Result.OK, f"sites are told how to reach you: {said}")
    name = f"{PREFIX}{'USER_AGENT' if settings.user_agent else 'CONTACT'}"
    return Check("contact", Result.WARNING, f"sites cannot reach you, only block you: put an address into {name}")


def _clock(settings: Settings, now: datetime) -> Check:
    there = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if settings.timezone != "UTC":
        there += f", {now.astimezone(ZoneInfo(settings.timezone)):%H:%M} in {settings.timezone}"
    if not FIRST_YEAR <= now.year < FIRST_YEAR + 50:
        return Check("clock", Result.PROBLEM, f"it says {there}: set it, or every record gets a wrong time")
    return Check("clock", Result.OK, there)


# -- storage -----------------------------------------------------------------------------------------------------------


def _directory(directory: Path) -> Check:
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


def _space(directory: Path) -> Check:
    system = os.statvfs(directory)
    free = system.f_bavail * system.f_frsize
    detail = f"{format_size(free)} free in the file system of {directory}"
    if free < NO_SPACE:
        return Check("disk space", Result.PROBLEM, f"{detail}: make room", Kind.STORAGE)
    if free < LITTLE_SPACE:
        return Check("disk space", Result.WARNING, f"{detail}: make room before it is full", Kind.STORAGE)
    if system.f_files and system.f_favail < FEW_FILES:
        return Check("disk space", Result.WARNING, f"{detail}, but room for {system.f_favail} files", Kind.STORAGE)
    return Check("disk space", Result.OK, detail, Kind.STORAGE)


def _lock(path: Path) -> Check:
    try:
        file, held = path.stat(), Path("/proc/locks").read_text(encoding="ascii")
    except FileNotFoundError as error:
        never = error.filename == str(path)
        return Check("lock", Result.OK, "free" if never else "this system does not say", Kind.STORAGE)
    except OSError as error:
        return Check("lock", Result.OK, f"not known: {error.strerror}", Kind.STORAGE)
    where = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    for line in held.splitlines():
        words = line.split()
        if where in words and "->" not in words:  # an arrow: it waits
            return Check("lock", Result.OK, f"held by process {words[-4]}, so veille is at work here", Kind.STORAGE)
    return Check("lock", Result.OK, "free: no veille is at work here", Kind.STORAGE)


def _database(settings: Settings) -> Check:
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


# -- the machine -------------------------------------------------------------------------------------------------------


def _open_files(settings: Settings) -> Check:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    least = settings.concurrency + _OTHER_FILES
    most = settings.concurrency * SLOW_SHARE + MAX_IDLE + _OTHER_FILES
    detail = f"{limit} allowed, up to {most} needed at {PREFIX}CONCURRENCY={settings.concurrency}"
    cure = "raise the limit (ulimit -n, LimitNOFILE=) or lower the setting"
    if limit == resource.RLIM_INFINITY or limit >= most:
        return Check("open files", Result.OK, detail.replace(str(limit), "any number", limit == resource.RLIM_INFINITY))
    return Check("open files", Result.WARNING if limit >= least else Result.PROBLEM, f"{detail}: {cure}")


def _workers(settings: Settings) -> Check:
    cores = len(os.sched_getaffinity(0))
    detail = f"{settings.workers} on {cores} core{'' if cores == 1 else 's'}"
    if settings.workers > cores:
        return Check("workers", Result.WARNING, f"{detail}: more than cores take memory and gain nothing")
    return Check("workers", Result.OK, detail)


def _certificates() -> Check:
    try:
        count = public_authorities().cert_store_stats()["x509_ca"]
    except OSError as error:
        return Check(
            "certificates", Result.PROBLEM, f"the public authorities' are missing ({error.strerror}): reinstall"
        )
    if not count:
        return Check("certificates", Result.PROBLEM, "there are none of public authorities: no https site can be asked")
    return Check("certificates", Result.OK, f"{count} public authorities are trusted")


def _existing(path: Path) -> Path:
    """The path, or the nearest above it that is there."""
    return next(above for above in (path.absolute(), *path.absolute().parents) if above.exists())


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
