"""What goes over a connection: request heads in, answers out (RFC 9112)."""

import asyncio
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus

_REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request. Header names are lower-case; repeated fields are joined by ``", "``."""

    method: str
    path: str
    """The request target as sent, query and all."""
    headers: Mapping[str, str]
    """Values decoded as ISO 8859-1, so that any byte survives."""
    keep_alive: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What a site answers, before any fault. Sending adds ``Content-Length``, and ``Date`` where there is none."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)


def read_head(data: bytes) -> Head:
    """Read a request head, up to and with the empty line.

    Raises:
        ValueError: the bytes are no HTTP/1 request.
    """
    request_line, *lines = data.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, version = request_line.split(" ")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"not a header field: {line!r}")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    connection = headers.get("connection", "").lower()
    return Head(method, target, headers, connection == "keep-alive" if version == "HTTP/1.0" else connection != "close")


class Wire:
    """One connection's sending side; counts what it sends of the answer at hand."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.status: int | None = None
        """Status sent for the request at hand; None while there is none."""
        self.body_bytes = 0
        """Body bytes sent for the request at hand."""
        self.open = True
        """Whether another request may follow."""

    def begin(self, *, keep_alive: bool) -> None:
        """Start counting for a new request."""
        self.status, self.body_bytes, self.open = None, 0, keep_alive

    async def send(self, answer: Answer) -> None:
        """Send an answer whole, in one write."""
        self._write(self._head(answer, len(answer.body)), answer.body)
        await self._writer.drain()

    async def send_head(self, answer: Answer, length: int | None = None) -> None:
        """Send the status line and the headers, declaring ``length`` body bytes, or as many as the answer has."""
        self._write(self._head(answer, len(answer.body) if length is None else length))
        await self._writer.drain()

    async def send_lines(self, data: bytes) -> None:
        """Send bytes that are not part of a body."""
        self._writer.write(data)
        await self._writer.drain()

    async def send_body(self, data: bytes) -> None:
        """Send a piece of the body."""
        self._write(b"", data)
        await self._writer.drain()

    def hang_up(self) -> None:
        """Take no further request; the connection closes in good order once everything is sent."""
        self.open = False

    def reset(self) -> None:
        """End the connection with a TCP reset: what the peer has not read yet is lost to it."""
        self.open = False
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def _write(self, head: bytes, body: bytes = b"") -> None:
        self._writer.write(head + body)
        self.body_bytes += len(body)

    def _head(self, answer: Answer, length: int) -> bytes:
        self.status = answer.status
        reason = _REASONS.get(answer.status, "Unknown")
        lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in answer.headers)]
        if all(name != "Date" for name, _ in answer.headers):
            lines.append(f"Date: {formatdate(usegmt=True)}")
        if answer.status not in (204, 304):
            lines.append(f"Content-Length: {length}")
        if not self.open:
            lines.append("Connection: close")
        return "\r\n".join((*lines, "", "")).encode("latin-1")
