"""How much of the disk an archive takes, how fast that grows, and for how long what is left will do."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

RATE_DAYS = 7
"""Full UTC days, the last ones, that the rate is taken from."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes, as they lie on the disk."""

    articles: int
    raw: int
    database: int
    """Its file and log; 0 where it is elsewhere."""
    free: int
    """What this user may still write in the file system."""
    per_day: float | None
    """What the archive grows by in a day; None before it has a full one after its first."""

    @property
    def total(self) -> int:
        """All of the archive."""
        return self.articles + self.raw + self.database

    @property
    def days_left(self) -> float | None:
        """How long the room that is left lasts at that rate; None where it cannot be said."""
        return self.free / self.per_day if self.per_day else None


def usage(directory: Path, now: datetime) -> Usage:
    """What the archive in ``directory`` takes. Files that go while it counts are not counted.

    Raises:
        OSError: the directory cannot be looked at.
    """
    system = os.statvfs(directory)
    articles, raw = (_by_day(directory / part) for part in ("articles", "raw"))
    database = sum(_size(directory / f"veille.db{suffix}") for suffix in ("", "-wal"))
    return Usage(
        sum(articles.values()),
        sum(raw.values()),
        database,
        system.f_bavail * system.f_frsize,
        _rate(articles, raw, database, now.date()),
    )


def _rate(articles: dict[date, int], raw: dict[date, int], database: int, today: date) -> float | None:
    """Bytes a day: of the files by their days, and of the database as much as it has for the bytes of files it has."""
    files = sum(articles.values()) + sum(raw.values())
    first = min((*articles, *raw), default=today)
    # the first day brought all that the feeds listed then, and is no day like the others
    days = min((today - first).days - 1, RATE_DAYS)
    if days < 1 or not files:
        return None
    full = [today - timedelta(days=back) for back in range(1, days + 1)]
    grown = sum(articles.get(day, 0) + raw.get(day, 0) for day in full)
    return grown / days * (1 + database / files)


def _by_day(directory: Path) -> dict[date, int]:
    sizes: dict[date, int] = {}
    for day, path in _days(directory):
        try:
            sizes[day] = sum(_size(file) for file in path.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            continue
    return sizes


def _days(directory: Path) -> Iterator[tuple[date, Path]]:
    for path in directory.glob("date=*"):
        try:
            yield date.fromisoformat(path.name.removeprefix("date=")), path
        except ValueError:
            continue


def _size(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except FileNotFoundError:
        return 0
