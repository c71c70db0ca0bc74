"""What somebody is told, and the words that every message shares. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.logs import printable
from storage.model import Alert

LONGEST = 200
"""Characters of what a feed or its server said."""
UNCHECKED = "could not be checked"
"""How what is said of a check begins that did not come to its end."""

Time = Callable[[datetime], str]
"""A moment in words."""


class Tone(StrEnum):
    """How a message looks, where a service shows that."""

    INFO = "info"
    TROUBLE = "trouble"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody is told."""

    kind: str
    """What it is about: of each kind there is one a day."""
    title: str
    """Says it all, for a person who sees nothing else."""
    body: str
    """Lines, the most important first: a service may cut the end off."""
    tone: Tone = Tone.INFO
    alerts: tuple[Alert, ...] = ()
    """The troubles it tells of, as they are once it has been sent."""


def plain(text: str) -> str:
    """What a feed or its server said, fit for a message: escaped, short, and of addresses no more than the host.

    A path or a query may be the key to a feed that is not for everybody, and messages pass through others' hands.
    """
    text = _ADDRESS.sub(lambda found: f"{found[1]}://{_host(found[2])}", printable(text))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def count(number: int, one: str, many: str | None = None) -> str:
    """A number and its noun."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


_ADDRESS = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*)://([^\s'\"<>]*)")
_HOST = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")


def _host(rest: str) -> str:
    authority, *more = re.split(r"[/?#\\]", rest, maxsplit=1)
    host = authority.rpartition("@")[2]
    if not _HOST.fullmatch(host):
        return "…"
    return f"{host}/…" if more and more[0] else host
