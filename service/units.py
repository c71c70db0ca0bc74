"""Durations, sizes and times of day as people write them: ``15m``, ``1h30m``, ``10MB``, ``sun 03:00``. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_MICROSECONDS = {
    "ms": 1_000,
    "s": 10**6,
    "m": 60 * 10**6,
    "h": 3_600 * 10**6,
    "d": 86_400 * 10**6,
    "w": 604_800 * 10**6,
}
_DURATION_PART = re.compile(rf"({_NUMBER})(ms|s|m|h|d|w)")
_DURATION = re.compile(rf"(?:{_DURATION_PART.pattern})+")

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = rf"({'|'.join(_DAYS)})(?:day|sday|nesday|rsday|urday)?"
_TIME = re.compile(rf"(?:{_DAY}\s+)?([01]?[0-9]|2[0-3]):([0-5][0-9])")

_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_BYTES |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_TENTH = Decimal("0.1")
_SIZE = re.compile(rf"({_NUMBER})\s*([a-z]*)")


def parse_duration(text: str) -> timedelta:
    """Read a duration: numbers with a unit (ms, s, m, h, d, w), longest first or not, added up.

    ``0`` needs no unit. White space and case do not count; parts of a microsecond are rounded.

    Raises:
        ValueError: with a line that says what a duration looks like.
    """
    compact = "".join(text.split()).lower()
    if compact == "0":
        return timedelta(0)
    if not _DURATION.fullmatch(compact):
        if re.fullmatch(_NUMBER, compact):
            raise ValueError(f'"{text}" has no unit: write {compact}s, {compact}m, {compact}h or {compact}d')
        raise ValueError(f'"{text}" is not a duration: write 45s, 15m, 2h, 1h30m or 1d')
    parts = _DURATION_PART.findall(compact)
    microseconds = sum(Decimal(number) * _MICROSECONDS[unit] for number, unit in parts)
    try:
        return timedelta(microseconds=int(Decimal(microseconds).to_integral_value(ROUND_HALF_UP)))
    except (OverflowError, ArithmeticError):
        raise ValueError(f'"{text}" is too long a duration') from None


def format_duration(duration: timedelta) -> str:
    """Write a duration so that ``parse_duration`` reads the same one back: ``1h30m``, ``2d``, ``0.5s``, ``0s``.

    A negative one, which no setting may be, is written with a leading minus.
    """
    if duration < timedelta(0):
        return f"-{format_duration(-duration)}"
    rest = duration // timedelta(microseconds=1)
    text = ""
    for unit in ("d", "h", "m"):
        count, rest = divmod(rest, _MICROSECONDS[unit])
        text += f"{count}{unit}" if count else ""
    if rest or not text:
        seconds, fraction = divmod(rest, _MICROSECONDS["s"])
        text += f"{seconds}.{fraction:06}".rstrip("0") + "s" if fraction else f"{seconds}s"
    return text


def parse_size(text: str) -> int:
    """Read a size in bytes: a number with B, kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (of 1024).

    A bare number counts bytes. White space and case do not count; parts of a byte are dropped.

    Raises:
        ValueError: with a line that says what a size looks like.
    """
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None or (unit := match[2] or "b") not in _BYTES:
        raise ValueError(f'"{text}" is not a size: write 500kB, 10MB, 2GiB or a number of bytes')
    return int(Decimal(match[1]) * _BYTES[unit])


def format_size(size: int) -> str:
    """Write a size for people, in powers of 1000 and to one decimal: ``10MB``, ``1.5GB``, ``0B``."""
    if size < 1000:
        return f"{size}B"
    value = Decimal(size) / 1000
    for unit in ("kB", "MB", "GB"):
        if (rounded := value.quantize(_TENTH, ROUND_HALF_UP)) < 1000:
            return f"{rounded}".removesuffix(".0") + unit
        value /= 1000
    return f"{value.quantize(_TENTH, ROUND_HALF_UP)}".removesuffix(".0") + "TB"


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """A time that comes every day, or once a week: ``08:00``, ``sun 03:00``."""

    hour: int
    minute: int
    day: str | None = None
    """``mon`` to ``sun``; None: every day."""

    def last(self, now: datetime, zone: tzinfo) -> datetime:
        """When it came last, at ``now`` or before, by the clocks of ``zone``, in UTC; a doubled hour counts once."""
        local = now.astimezone(zone)
        moment = local.replace(hour=self.hour, minute=self.minute, second=0, microsecond=0, fold=0)
        moment -= timedelta(days=(local.weekday() - _DAYS.index(self.day)) % 7 if self.day else 0)
        if moment.astimezone(UTC) > now:  # in UTC, where no hour comes twice
            moment -= timedelta(days=7 if self.day else 1)
        return moment.astimezone(UTC)

    def __str__(self) -> str:
        return f"{f'{self.day} ' if self.day else ''}{self.hour:02}:{self.minute:02}"


def parse_time_of_day(text: str) -> TimeOfDay:
    """Read a time that comes again: ``8:00`` every day, ``sun 03:00`` once a week. Case does not count.

    Raises:
        ValueError: with a line that says what such a time looks like.
    """
    match = _TIME.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f'"{text}" is no time of day: write 08:00 or sun 03:00')
    return TimeOfDay(int(match[2]), int(match[3]), match[1])


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Read an address to listen on: ``HOST:PORT``, ``[::1]:PORT``, or a port alone, on 127.0.0.1.

    Raises:
        ValueError: with a line that says what an address looks like.
    """
    host, _, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not (port.isascii() and port.isdecimal() and 0 < int(port) <= 65_535):
        raise ValueError(f'"{text}" is no address to listen on: write 9464, 127.0.0.1:9464 or [::1]:9464')
    return Address(host, int(port))


def format_days(days: float) -> str:
    """Write how long something lasts, in days or years as people would: ``12 days``, ``4 years``, ``over 50 years``."""
    if days >= 2 * 365:
        return f"{days / 365:.0f} years" if days < 50 * 365 else "over 50 years"
    return f"{days:.0f} day{'' if round(days) == 1 else 's'}"
