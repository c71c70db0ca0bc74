"""What a setting can be where only a few words will do."""

from enum import StrEnum


class TdmPolicy(StrEnum):
    """What to do with a page that reserves its rights (noarchive, ``tdm-reservation: 1``)."""

    RECORD = "record"
    SKIP = "skip"


class KeepRaw(StrEnum):
    """Which answers are kept as they came, in WARC files beside the records."""

    ALL = "all"
    """Pages that records were read from, or could not be, and feed documents."""
    NONE = "none"


class LogFormat(StrEnum):
    """How log lines look: ``auto`` is console on a terminal, JSON elsewhere."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe message worth a line."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
