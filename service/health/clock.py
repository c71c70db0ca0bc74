"""The clock: by itself, by the kernel, and against those of servers."""

import ctypes
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from service.health.check import Check, Result
from service.net.freshness import http_date
from service.net.response import Response
from service.settings import Settings
from service.units import format_duration

FIRST_YEAR = 2026
"""Of this program; a clock that is before it has not been set."""
_TIMEX, _TIME_ERROR = 512, 5
"""More bytes than ``struct timex`` has, and what adjtimex(2) answers for a clock that is not synchronised."""
CLOCK_OFF, CLOCK_WRONG = timedelta(seconds=5), timedelta(hours=1)
"""Servers say whole seconds, caches give an age in seconds: less than 5 tells nothing. Conditional requests do not
depend on the clock, the times in records and the order of polls do; an hour off, ``skipHours`` and new certificates
go wrong too."""


def check_own_clock(settings: Settings, now: datetime) -> Check:
    """What time it has, and whether it is kept right."""
    there = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if settings.timezone != "UTC":
        there += f", {now.astimezone(ZoneInfo(settings.timezone)):%H:%M} in {settings.timezone}"
    if not FIRST_YEAR <= now.year < FIRST_YEAR + 50:
        return Check("clock", Result.PROBLEM, f"it says {there}: set it, or every record gets a wrong time")
    if _is_synchronised() is False:
        # no warning: in a virtual machine or a container the host may keep it right
        there += "; the kernel does not know it to be synchronised: without chrony or systemd-timesyncd it will drift"
    return Check("clock", Result.OK, there)


def _is_synchronised() -> bool | None:
    """Whether the kernel's clock is kept right (adjtimex(2)); None where it does not say."""
    try:
        libc = ctypes.CDLL(None)
        answer: int = libc.adjtimex(ctypes.create_string_buffer(_TIMEX))  # all zeros: only asks
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else answer != _TIME_ERROR


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
