"""Dates as feeds write them: RFC 5322, RFC 3339, and their misspellings in several languages. Pure.

A date is read only where it can mean one moment. An unknown time zone, a month that is July here and June there, or
``03/04/2026`` of nobody knows which country give None: the archive keeps the raw text beside it.
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
"""Feeds are younger than this: an earlier date is a default or a mistake."""
LATEST_AHEAD = timedelta(hours=24)

# Hours east of Greenwich. Names that stand for several zones (IST, AST, ICT …) are left out on purpose; CST and the
# other American ones mean what RFC 5322 §4.3 says they mean.
_ZONES = {
    "UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2,
    "MET": 1, "MEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "TRT": 3, "WAT": 1, "CAT": 2, "SAST": 2, "EAT": 3, "PKT": 5,
    "WIB": 7, "WITA": 8, "HKT": 8, "SGT": 8, "PHT": 8, "KST": 9, "JST": 9, "AEST": 10, "AEDT": 11, "NZST": 12,
    "NZDT": 13, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9,
    "AKDT": -8, "HST": -10, "BRT": -3,
}  # fmt: skip

# English, French, Spanish, Portuguese, Italian, German, Dutch, Indonesian, Turkish, Russian, Greek and Hungarian names
# and abbreviations, without accents. None of them is another month's name in another of these languages.
_MONTH_NAMES = (
    "jan january janv janvier ene enero januar januari janeiro gen gennaio janner ocak янв январь января ιαν",
    "feb february fev fevr fevrier febrero februar februari fevereiro febbraio subat фев февр февраль февраля φεβ",
    "mar march mars marzo marco marz marcius maart mrt maret mart мар март марта μαρ",
    "apr april avr avril abr abril aprile aprilis nisan апр апрель апреля απρ",
    "may mai mayo maio mag maggio majus mei mayis май маи мая μαι",
    "jun june juin junio junho junius giu giugno juni haziran июн июнь июня ιουν",
    "jul july juil juillet julio julho julius lug luglio juli temmuz июл июль июля ιουλ",
    "aug august aout ago agosto augustus augusztus agustus agu agustos авг август августа αυγ",
    "sep sept september septembre septiembre szeptember set setembro settembre eylul сен сент сентябрь сентября σεπ",
    "oct october octobre octubre out outubro ott ottobre okt oktober ekim окт октябрь октября οκτ",
    "nov november novembre noviembre novembro kasim ноя нояб ноябрь ноября νοε",
    "dec december decembre dic diciembre dez dezembro dicembre dezember des desember aralik дек декабрь декабря δεκ",
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}

_DAY_FIRST = ("ar", "de", "el", "es", "fr", "id", "it", "nl", "pl", "pt", "ro", "ru", "sw", "tr", "uk", "vi")
"""Languages in which 03/04/2026 is the third of April wherever they are written."""

_TIME = (
    r"(?P<hour>\d{1,2})[:.hH](?P<minute>\d{1,2})(?:[:.m](?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?s?)?"
    r"\s*(?P<half>[ap]\.?m\b\.?)?"
)
_OFFSET = r"[+-]\s?\d{1,2}:?(?:\d\d)?"
_ZONE = rf"(?P<zone>[A-Za-z/]{{0,8}}\s?(?:{_OFFSET})?|{_OFFSET}\s[A-Za-z]{{1,5}})"
_CLOCK = rf"(?:[\s,T-]+(?:at |um |à |as |a las )?{_TIME}\s*{_ZONE})?"
_WEEKDAY = r"(?:[^\W\d_]+\.?[\s,]+)?"
_DAY = r"(?P<day>\d{1,2})(?:\.|er|st|nd|rd|th)?"
_MONTH = r"(?P<name>[^\W\d_]{3,12})\.?"
_YEAR = r"(?P<year>\d{4})"
_SHAPES = tuple(
    re.compile(shape, re.IGNORECASE)
    for shape in (
        rf"{_YEAR}[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}}){_CLOCK}",
        rf"{_YEAR}(?P<month>\d\d)(?P<day>\d\d)(?:T(?P<hour>\d\d):?(?P<minute>\d\d)(?::?(?P<second>\d\d))?{_ZONE})?",
        rf"{_WEEKDAY}{_DAY}[\s/-]+(?:de )?{_MONTH}[\s,/-]+(?:de )?(?P<year>\d{{4}}|\d\d){_CLOCK}",
        rf"{_WEEKDAY}{_MONTH}[\s/-]+{_DAY}[\s,/-]+{_YEAR}{_CLOCK}",
        rf"{_WEEKDAY}{_MONTH}\s+{_DAY}\s+{_TIME}\s*{_ZONE}\s+{_YEAR}",
        rf"{_YEAR}-{_MONTH}-(?P<day>\d{{1,2}}){_CLOCK}",
        rf"{_WEEKDAY}(?P<one>\d{{1,2}})[/.-](?P<two>\d{{1,2}})[/.-]{_YEAR}{_CLOCK}",
    )
)
_COMMENT = re.compile(r"\s?\([^()]*\)$")
_SHIFT = re.compile(r"([+-])\s?(\d{1,2}):?(\d\d)?")


def parse_date(text: str | None, now: datetime, language: str | None = None) -> datetime | None:
    """Read a date.

    A date without a time is the start of its day, a time without a zone UTC, as RSS readers have always taken them.

    Args:
        text: As the feed writes it.
        now: The time of the poll; anything over 24 hours after it is refused.
        language: BCP 47, where known: it settles which of 03/04/2026 is the day.

    Returns:
        Aware UTC; None where it is missing, cannot mean one moment, or is before 1995 or too far ahead.
    """
    if text is None or len(text) > 100:
        return None
    moment = _read(_COMMENT.sub("", " ".join(text.split())), language)
    return moment if moment is not None and EARLIEST <= moment <= now + LATEST_AHEAD else None


def _read(text: str, language: str | None) -> datetime | None:
    for shape in _SHAPES:
        if match := shape.fullmatch(text):
            try:
                return _moment(match.groupdict(), language)
            except (ValueError, OverflowError, KeyError):
                continue
    return None


def _moment(parts: dict[str, str | None], language: str | None) -> datetime | None:
    month, day = _month_and_day(parts, language)
    year = int(parts["year"] or "")
    if year < 100:
        year += 2000 if year < 50 else 1900  # RFC 5322 §4.3
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    if half := parts.get("half"):
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    # A leap second (RFC 3339 §5.7) has no datetime; the day's end may be written as 24:00 (ISO 8601).
    whole_day = timedelta(days=1) if (hour, minute, second) == (24, 0, 0) else timedelta(0)
    microsecond = int((parts.get("fraction") or "0")[:6].ljust(6, "0"))
    moment = datetime(
        year,
        month,
        day,
        0 if whole_day else hour,
        minute,
        59 if second == 60 else second,
        microsecond,
        _zone(parts.get("zone") or ""),
    )
    return (moment + whole_day).astimezone(UTC)


def _month_and_day(parts: dict[str, str | None], language: str | None) -> tuple[int, int]:
    if name := parts.get("name"):
        plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
        return _MONTHS[plain], int(parts["day"] or "")
    if (first := parts.get("one")) is None:
        return int(parts["month"] or ""), int(parts["day"] or "")
    one, two = int(first), int(parts["two"] or "")
    if one > 12 or one == two or (language or "").partition("-")[0] in _DAY_FIRST:
        return two, one
    if two > 12:
        return one, two
    raise ValueError("either may be the month")


def _zone(text: str) -> timezone:
    """The zone of a suffix such as ``Z``, ``CEST``, ``+0100``, ``GMT+9`` or ``+0200 CEST``; UTC where it is empty.

    Raises:
        KeyError: Nobody knows which zone this is.
    """
    name = re.sub(r"[^A-Z/]", "", text.upper())
    if offset := _SHIFT.search(text):
        # "GMT+9" shifts Greenwich; "+0200 CEST" only says it twice; "EST+5" is anyone's guess.
        if name not in ("", "GMT", "UTC", "UT") and text[0].isalpha():
            raise KeyError(text)
        sign, hours, minutes = offset.groups()
        shift = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return timezone(-shift if sign == "-" else shift)
    name = name.removeprefix("ETC/")
    # RFC 5322 §4.3: military letters were defined wrongly and count as "-0000".
    return timezone(timedelta(hours=_ZONES[name])) if len(name) > 1 else UTC
