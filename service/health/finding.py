"""What a check comes to."""

import os
import pwd
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


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
    """One thing that was looked at, and what came of it."""

    name: str
    result: Result
    detail: str
    advice: str | None = None
    """What to do."""
    kind: Kind = Kind.SETUP


def user(number: int) -> str:
    """A user's name; ``user 1234`` where the machine has none for the number."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def me() -> str:
    """The user this process runs as."""
    return user(os.geteuid())


def is_there(path: Path) -> bool:
    """Whether something is there, as far as this user may see."""
    try:
        return path.exists()
    except PermissionError:
        return False


def existing(path: Path) -> Path:
    """The path, or the nearest above it that is there."""
    return next(above for above in (path.absolute(), *path.absolute().parents) if is_there(above))


def in_a_few(names: list[str], most: int = 5) -> str:
    """A list for people: the first of it, and how much more there is."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
