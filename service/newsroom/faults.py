"""What can go wrong with a site, on demand.

A fault changes the answer, or the way it is sent. ``Newsroom.fault`` puts one on a site or a path, ``heal`` takes it
off.
"""

import asyncio
import re
from dataclasses import dataclass, replace

from service.newsroom.wire import Answer, Wire

HTML = (("Content-Type", "text/html; charset=utf-8"),)

_NOT_A_FEED = b"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Just a moment</title></head>
<body><h1>Just a moment</h1><p>We are checking your browser before you go on.</p></body></html>
"""

_PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault; as it stands, none. Subclasses override one of the two methods, or both."""

    def change(self, answer: Answer) -> Answer:
        """The answer to give instead."""
        return answer

    async def send(self, wire: Wire, answer: Answer) -> None:
        """Send the changed answer."""
        await wire.send(answer)


@dataclass(frozen=True, slots=True)
class Status(Fault):
    """Another status, with a short HTML body; ``retry_after`` as sent, in seconds or as an HTTP-date."""

    code: int
    retry_after: int | str | None = None

    def change(self, answer: Answer) -> Answer:  # noqa: D102, ARG002
        headers = HTML if self.retry_after is None else (*HTML, ("Retry-After", str(self.retry_after)))
        return Answer(self.code, headers, f"<!DOCTYPE html><title>{self.code}</title><h1>{self.code}</h1>\n".encode())


@dataclass(frozen=True, slots=True)
class Redirect(Fault):
    """A redirect to ``to``, sent as the ``Location`` as it is: 301 where ``permanent``, else 302, or ``code``."""

    to: str
    code: int | None = None
    permanent: bool = False

    def change(self, answer: Answer) -> Answer:  # noqa: D102, ARG002
        return Answer(self.code or (301 if self.permanent else 302), (("Location", self.to),))


@dataclass(frozen=True, slots=True)
class Empty(Fault):
    """Status and headers as ever, but no body."""

    def change(self, answer: Answer) -> Answer:  # noqa: D102
        kept = tuple(field for field in answer.headers if field[0] != "Content-Encoding")
        return replace(answer, headers=kept, body=b"")


@dataclass(frozen=True, slots=True)
class HtmlInsteadOfFeed(Fault):
    """200 with a small web page, such as a challenge."""

    def change(self, answer: Answer) -> Answer:  # noqa: D102, ARG002
        return Answer(200, HTML, _NOT_A_FEED)


@dataclass(frozen=True, slots=True)
class NotXml(Fault):
    """200 with bytes that only claim to be XML."""

    def change(self, answer: Answer) -> Answer:  # noqa: D102, ARG002
        return Answer(200, (("Content-Type", "application/rss+xml"),), b"\x00\x01 no markup here \xff\xfe" * 20)


@dataclass(frozen=True, slots=True)
class Pdf(Fault):
    """200 with a PDF."""

    def change(self, answer: Answer) -> Answer:  # noqa: D102, ARG002
        return Answer(200, (("Content-Type", "application/pdf"),), _PDF)


@dataclass(frozen=True, slots=True)
class WrongCharset(Fault):
    """A body encoded as ``actual`` that calls itself ``declared``, in its header and in its markup."""

    declared: str
    actual: str

    def change(self, answer: Answer) -> Answer:  # noqa: D102
        headers = dict(answer.headers)
        said = re.search(r"charset=([\w-]+)", headers.get("Content-Type", ""))
        text = answer.body.decode(said[1] if said else "utf-8")
        text = re.sub(r"""((?:charset|encoding)=["']?)[\w-]+""", rf"\g<1>{self.declared}", text, count=1)
        media_type = headers.get("Content-Type", "text/html").partition(";")[0]
        headers["Content-Type"] = f"{media_type}; charset={self.declared}"
        return replace(answer, headers=tuple(headers.items()), body=text.encode(self.actual, "xmlcharrefreplace"))


@dataclass(frozen=True, slots=True)
class Slow(Fault):
    """Nothing at all for some seconds, then the answer."""

    seconds: float

    async def send(self, wire: Wire, answer: Answer) -> None:  # noqa: D102
        await asyncio.sleep(self.seconds)
        await wire.send(answer)


@dataclass(frozen=True, slots=True)
class Drip(Fault):
    """The body in pieces of ``size`` bytes, ``delay`` seconds apart."""

    delay: float = 0.5
    size: int = 1

    async def send(self, wire: Wire, answer: Answer) -> None:  # noqa: D102
        await wire.send_head(answer)
        for start in range(0, len(answer.body), self.size):
            await wire.send_body(answer.body[start : start + self.size])
            await asyncio.sleep(self.delay)


@dataclass(frozen=True, slots=True)
class Truncate(Fault):
    """The full ``Content-Length``, but only the first ``after`` bytes of the body; then the connection closes."""

    after: int

    async def send(self, wire: Wire, answer: Answer) -> None:  # noqa: D102
        await wire.send_head(answer)
        await wire.send_body(answer.body[: self.after])
        wire.hang_up()


@dataclass(frozen=True, slots=True)
class Reset(Fault):
    """A TCP reset, at once or after the headers."""

    after_headers: bool = False

    async def send(self, wire: Wire, answer: Answer) -> None:  # noqa: D102
        if self.after_headers:
            await wire.send_head(answer)
            await asyncio.sleep(0.05)  # a reset overtakes what the peer has not read yet
        wire.reset()


@dataclass(frozen=True, slots=True)
class EndlessHeaders(Fault):
    """Header after header, until the client has had enough."""

    async def send(self, wire: Wire, answer: Answer) -> None:  # noqa: D102, ARG002
        wire.hang_up()
        wire.status = 200
        await wire.send_lines(b"HTTP/1.1 200 OK\r\n")
        number = 0
        while True:
            number += 1
            await wire.send_lines(f"X-Filler-{number}: {'.' * 200}\r\n".encode())
            await asyncio.sleep(0)
