"""Dates as pages write them: ISO 8601, RFC 2822, and the forms met beside these. Pure: now is an argument."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from service.articles.lines import one_line

_EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(hours=24)
_LONGEST = 100

_CLOCK = r"(\d{1,2})[:.]?(\d{2})(?:[:.]?(\d{2})(?:[.,]\d+)?)?\s*([ap]\.?m\.?)?"
_ZONE = r"\s*(Z|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|UTC|GMT|CES?T)?(?:\s*[\[(][^\])]*[\])])?"
_ISO = re.compile(rf"(\d{{4}})[-/.]?(\d{{2}})[-/.]?(\d{{2}})(?:(?:[T_]|\s+){_CLOCK}{_ZONE})?", re.IGNORECASE)
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_WORDS = re.compile(
    rf"(?:[a-z]{{3,9}}\.?,?\s+)?(?:([a-z]{{3,9}})\.?\s+{_DAY}|{_DAY}\s+([a-z]{{3,9}})\.?),?\s+(\d{{4}})"
    rf"(?:,?\s+(?:at\s+)?{_CLOCK}{_ZONE})?",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"\d{10}(?:\d{3})?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED_ZONES = {"": 0, "z": 0, "utc": 0, "gmt": 0, "cet": 1, "cest": 2}


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment as a page gives it: aware UTC, with what was written."""

    moment: datetime
    raw: str
    zoned: bool
    """False where no zone was written: the moment is that of UTC."""
    timed: bool
    """False where only a day was written: the moment is its midnight."""


def parse_date(raw: str, *, now: datetime) -> Stamp | None:
    """Read a date, with its time and zone where they are written.

    ISO 8601 in its looser spellings, RFC 2822, seconds or milliseconds since 1970, English month names. A day whose
    parts could be read in two orders (``03/04/2024``) is not guessed at. None for what is no date, is before 1995, or
    is more than 24 hours after ``now``.
    """
    written = one_line(raw)  # a record holds it as written, but for what no record can hold
    if not written or len(written) > _LONGEST:
        return None
    try:
        stamp = _iso(written) or _epoch(written) or _words(written) or _rfc2822(written)
    except (ValueError, OverflowError):
        return None
    return stamp if stamp and _EARLIEST <= stamp.moment <= now + _AHEAD else None


def _iso(raw: str) -> Stamp | None:
    if not (match := _ISO.fullmatch(raw)):
        return None
    year, month, day, *clock = match.groups()
    return _stamp(raw, (int(year), int(month), int(day)), *clock)


def _words(raw: str) -> Stamp | None:
    if not (match := _WORDS.fullmatch(raw)):
        return None
    month, day, early_day, late_month, year, *clock = match.groups()
    name = (month or late_month)[:3].lower()
    if name not in _MONTHS:
        return None
    return _stamp(raw, (int(year), _MONTHS.index(name) + 1, int(day or early_day)), *clock)


def _epoch(raw: str) -> Stamp | None:
    if not _EPOCH.fullmatch(raw):
        return None
    seconds = int(raw) / (1000 if len(raw) == 13 else 1)
    return Stamp(datetime.fromtimestamp(seconds, UTC), raw, zoned=True, timed=True)


def _rfc2822(raw: str) -> Stamp | None:
    try:
        moment = parsedate_to_datetime(raw)
    except (TypeError, IndexError):
        return None
    return Stamp(_in_utc(moment), raw, zoned=moment.tzinfo is not None, timed=":" in raw)


def _stamp(
    raw: str,
    day: tuple[int, int, int],
    hour: str | None,
    minute: str | None,
    second: str | None,
    half: str | None,
    zone: str | None,
) -> Stamp:
    if hour is None:
        return Stamp(datetime(*day, tzinfo=UTC), raw, zoned=False, timed=False)
    hours = int(hour)
    if half:
        hours = hours % 12 + (12 if half[0] in "pP" else 0)
    moment = datetime(*day, hours, int(minute or 0), int(second or 0), tzinfo=_zone(zone or ""))
    return Stamp(_in_utc(moment), raw, zoned=zone is not None, timed=True)


def _zone(written: str) -> timezone:
    name, sign, offset = re.fullmatch(r"([a-z]*)([+-]?)([\d:]*)", written.lower()).groups()  # type: ignore[union-attr]
    if not sign:
        return timezone(timedelta(hours=_NAMED_ZONES[name]))
    digits = offset.replace(":", "")
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
    delta = timedelta(hours=hours, minutes=minutes)
    return timezone(-delta if sign == "-" else delta)


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
