"""The machine: its clock, its limits, its certificates."""

import ctypes
import os
import resource
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from service.health.finding import Check, Result
from service.net.freshness import http_date
from service.net.response import Response
from service.net.slots import SLOW_SHARE
from service.net.transport import MAX_IDLE, public_authorities
from service.settings import PREFIX, Settings
from service.units import format_duration

FIRST_YEAR = 2026
"""Of this program; a clock that is before it has not been set."""
CLOCK_OFF, CLOCK_WRONG = timedelta(seconds=5), timedelta(hours=1)
"""Servers say whole seconds, caches give an age in seconds: less than 5 tells nothing. Conditional requests do not
depend on the clock, the times in records and the order of polls do; an hour off, ``skipHours`` and new certificates
go wrong too."""
TIMESYNCD = Path("/run/systemd/timesync/synchronized")
"""Touched by systemd-timesyncd each time it has set the clock."""
_OTHER_FILES = 64
"""Open files beside connections: the archive, the database, pipes to the workers."""
_UNSYNCHRONISED = 0x40
"""STA_UNSYNC of adjtimex(2)."""
_NTP = "timedatectl set-ntp true, or install chrony; in a container it is the host's to do"


# -- the clock ---------------------------------------------------------------------------------------------------------


def check_clock(settings: Settings, now: datetime) -> Check:
    """Whether the clock has ever been set."""
    there = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if settings.timezone != "UTC":
        there += f", {now.astimezone(ZoneInfo(settings.timezone)):%H:%M} in {settings.timezone}"
    if not FIRST_YEAR <= now.year < FIRST_YEAR + 50:
        return Check("clock", Result.PROBLEM, f"it says {there}", f"set it, or every record gets a wrong time: {_NTP}")
    return Check("clock", Result.OK, there)


def check_synchronisation() -> Check:
    """Whether something keeps the clock right, as the kernel has been told."""
    name = "clock synchronisation"
    state = 0 if TIMESYNCD.exists() else _clock_state()
    if state is None:
        return Check(name, Result.OK, "this system does not say; --network compares the clock with servers'")
    if state & _UNSYNCHRONISED:
        return Check(name, Result.WARNING, "nothing keeps the clock right: it will drift, and so will records", _NTP)
    return Check(name, Result.OK, "the clock is kept right")


class _Timex(ctypes.Structure):
    """The beginning of the kernel's ``struct timex``, and room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def _clock_state() -> int | None:
    """The kernel's clock status bits; None where it does not say. Changes nothing: ``modes`` is 0."""
    told = _Timex()
    try:
        answer = ctypes.CDLL(None).adjtimex(ctypes.byref(told))
    except (AttributeError, OSError):
        return None
    return int(told.status) if answer >= 0 else None


def check_server_clocks(answers: Sequence[tuple[Response, datetime]]) -> Check:
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
    return Check("server clocks", result, f"this clock is {detail}, and so are the times in records", f"set it: {_NTP}")


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


# -- limits ------------------------------------------------------------------------------------------------------------


def check_open_files(settings: Settings) -> Check:
    """The limit of open files against what the concurrency asks for."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    least = settings.concurrency + _OTHER_FILES
    most = settings.concurrency * SLOW_SHARE + MAX_IDLE + _OTHER_FILES
    allowed = "any number" if limit == resource.RLIM_INFINITY else str(limit)
    detail = f"{allowed} allowed, up to {most} needed at {PREFIX}CONCURRENCY={settings.concurrency}"
    if limit == resource.RLIM_INFINITY or limit >= most:
        return Check("open files", Result.OK, detail)
    cure = "raise the limit (ulimit -n, LimitNOFILE=) or lower the setting"
    return Check("open files", Result.WARNING if limit >= least else Result.PROBLEM, detail, cure)


def check_workers(settings: Settings) -> Check:
    """The number of extraction processes against the cores."""
    cores = len(os.sched_getaffinity(0))
    detail = f"{settings.workers} on {cores} core{'' if cores == 1 else 's'}"
    if settings.workers > cores:
        told = f"{detail}: more than cores take memory and gain nothing"
        return Check("workers", Result.WARNING, told, f"set {PREFIX}WORKERS={cores}, or leave it empty")
    return Check("workers", Result.OK, detail)


def check_certificates() -> Check:
    """Whether there is anything to verify sites' certificates against."""
    cure = "pip install --force-reinstall certifi, into veille's own environment"
    try:
        count = public_authorities().cert_store_stats()["x509_ca"]
    except OSError as error:
        told = f"the public authorities' are missing ({error.strerror}): no https site can be asked"
        return Check("certificates", Result.PROBLEM, told, cure)
    if not count:
        told = "there are none of public authorities: no https site can be asked"
        return Check("certificates", Result.PROBLEM, told, cure)
    return Check("certificates", Result.OK, f"{count} public authorities are trusted")
