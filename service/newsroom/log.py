"""The access log: the proof of what was asked for."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import TextIO

KEPT = 100_000
"""Requests kept in memory; a log file holds them all."""


class Kind(StrEnum):
    """What a request was for."""

    FEED = "feed"
    PAGE = "page"
    """A story's page, or another document mounted by hand."""
    ROBOTS = "robots"
    OTHER = "other"
    """Home page, and what does not exist."""


def kind_of(path: str, content_type: str) -> Kind:
    """What a document mounted by hand is taken for."""
    if path == "/robots.txt":
        return Kind.ROBOTS
    is_xml = "xml" in content_type and "xhtml" not in content_type
    return Kind.FEED if is_xml or "feed+json" in content_type else Kind.PAGE


@dataclass(frozen=True, slots=True)
class Request:
    """One request and how it was answered."""

    time: datetime
    """When its head was read; aware, UTC."""
    seconds: float
    """From then until the answer was handed to the system."""
    site: str
    kind: Kind
    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    status: int | None
    """None: reset before a status line."""
    bytes_sent: int
    """Body bytes, as sent: compressed where the answer was."""


class RequestLog:
    """Keeps requests in order; any thread may write and read."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: deque[Request] = deque(maxlen=KEPT)
        self._file: TextIO | None = None

    def open(self, file: Path | None) -> None:
        """Append a JSON line for each request to a file from now on, if one is named."""
        self._file = file.open("a", buffering=1, encoding="utf-8") if file else None

    def add(self, request: Request) -> None:
        """Append a request."""
        with self._lock:
            self._requests.append(request)
            if self._file:
                self._file.write(json.dumps({**asdict(request), "time": request.time.isoformat()}) + "\n")

    def snapshot(self) -> list[Request]:
        """The requests so far, oldest first."""
        with self._lock:
            return list(self._requests)

    def clear(self) -> None:
        """Forget the requests so far; the file keeps them."""
        with self._lock:
            self._requests.clear()

    def close(self) -> None:
        """Close the file. The requests can still be read."""
        with self._lock:
            if self._file:
                self._file.close()
                self._file = None
