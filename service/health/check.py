"""What a check says."""

from dataclasses import dataclass
from enum import StrEnum


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
