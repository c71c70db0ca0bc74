"""An HTTP answer, and what it says about asking again."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from service.errors import FetchError, GoneError, Weight
from service.net.body import EMPTY, Content
from storage.model import Validators

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT = frozenset({301, 308})
WHOLE = frozenset({200, 203})
"""Of the 2xx, those that bring what was asked for: a 206 is a part of it, a 202 often a robot trap's waiting room."""
MAX_RETRY_AFTER = timedelta(days=31)
_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^\s"';]+)""", re.IGNORECASE)


@dataclass(slots=True)
class Exchange:
    """One request and what came of it, as far as it got: for those who look on."""

    url: str
    sent: tuple[tuple[bytes, bytes], ...]
    """Header fields of the request, as sent."""
    address: str | None = None
    """Where the connection went."""
    status: int | None = None
    """None: no answer came."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Header fields of the answer, in order, names in lower case."""


@dataclass(frozen=True, slots=True)
class Heads:
    """What went over the wire around a body, byte for byte but for white space at the ends of field values."""

    request: bytes
    """Request line and header fields, up to and with the empty line."""
    answer: bytes
    """Status line and header fields, up to and with the empty line."""
    address: str | None
    """The IP address that answered."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A redirect that was followed."""

    url: str
    status: int
    location: str
    """Where it led, absolute."""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer, whatever its status."""

    url: str
    """Final, after redirects; without fragment."""
    requested_url: str
    """As asked for, unchanged."""
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    """In order, names in lower case."""
    content: Content = EMPTY
    """Its body; empty unless the status is 2xx."""
    hops: tuple[Hop, ...] = ()
    wire_bytes: int = 0
    """Body bytes as they came, still compressed."""
    seconds: float = 0.0
    """Spent on the network, over all hops; waiting for turns does not count."""
    conditional: bool = False
    """Whether the request that got this answer carried validators."""
    heads: Heads | None = None
    """For a raw copy; None where none is wanted. With it, ``content`` is as it came too."""

    @property
    def body(self) -> bytes:
        """The body, decoded: a large one is inflated at each call."""
        return self.content.decoded()

    def raw_header(self, name: str) -> bytes | None:
        """Return the first value of a header, byte for byte."""
        wanted = name.lower().encode("ascii")
        return next((value for key, value in self.headers if key == wanted), None)

    def header(self, name: str) -> str | None:
        """Return a header's values, joined by commas (RFC 9110 §5.3), as Latin-1."""
        values = self.lines(name)
        return ", ".join(values) if values else None

    def lines(self, name: str) -> list[str]:
        """Return a header's values line by line, as Latin-1."""
        wanted = name.lower().encode("ascii")
        return [value.decode("latin-1") for key, value in self.headers if key == wanted]

    @property
    def content_type(self) -> str | None:
        """The media type alone, in lower case: ``text/html``."""
        value = self.raw_header("content-type")
        return value.decode("latin-1").partition(";")[0].strip().lower() or None if value is not None else None

    @property
    def charset(self) -> str | None:
        """The charset the ``Content-Type`` names, in lower case."""
        match = _CHARSET.search((self.raw_header("content-type") or b"").decode("latin-1"))
        return match[1].lower() if match else None

    @property
    def validators(self) -> Validators:
        """What to send with the next request to ``url``."""
        return Validators(self.raw_header("etag") or None, self.raw_header("last-modified") or None)

    @property
    def permanently_moved(self) -> bool:
        """Whether there were redirects, and every one of them was permanent (301, 308)."""
        return bool(self.hops) and all(hop.status in PERMANENT for hop in self.hops)

    @property
    def retry_after(self) -> float | None:
        """Seconds the server asks us to wait (RFC 9110 §10.2.3), at most 31 days."""
        asked = self._asked_wait
        return None if asked is None else min(asked, MAX_RETRY_AFTER.total_seconds())

    @property
    def _asked_wait(self) -> float | None:
        """What it asks for, however long. A date counts from the answer's own ``Date``, whatever the clocks say."""
        value = (self.raw_header("retry-after") or b"").decode("latin-1").strip()
        if value.isascii() and value.isdigit():
            seconds = float(value)
        elif (until := _http_date(value)) is not None:
            date = _http_date((self.raw_header("date") or b"").decode("latin-1"))
            seconds = (until - (date or datetime.now(UTC))).total_seconds()
        else:
            return None
        return max(seconds, 0.0)

    @property
    def refusal(self) -> str:
        """What it answers instead of what was asked for, in words."""
        if self.status in REDIRECTS:
            return f"answers {self.status} without saying where to"
        asked = self._asked_wait
        if asked is None or asked <= MAX_RETRY_AFTER.total_seconds():
            return f"answers {self.status}"
        return f"answers {self.status} and asks for {asked / 86_400:.0f} days of silence, cut to {MAX_RETRY_AFTER.days}"


def check(response: Response) -> None:
    """Pass a response that can be used: a whole document, or 304 to a conditional request.

    Raises:
        FetchError: It cannot; with the weight, the status and the time to wait. ``GoneError`` for 404 and 410.
    """
    status = response.status
    if status in WHOLE or (status == 304 and response.conditional):
        return
    error, weight, message = FetchError, Weight.HARD, response.refusal
    match status:
        case 304:
            message = "answers 304 to an unconditional request"
        case 404 | 410:
            error, weight = GoneError, Weight.SOFT if status == 404 else Weight.HARD
        case _ if status == 429 or status >= 500:
            weight = Weight.SOFT
    raise error(message, weight=weight, status=status, retry_after=response.retry_after)


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
