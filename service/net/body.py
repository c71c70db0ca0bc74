"""Bodies under a limit: what comes off the wire, and what it inflates to."""

import zlib
from collections.abc import AsyncIterator

from service.errors import FetchError, TooLargeError, Weight

_GZIP = 31
"""zlib's window bits for a gzip header and trailer."""
_MAGIC = b"\x1f\x8b"
_MAX_MEMBERS = 1000
"""A body of very many tiny members costs far more time than its size says."""


class Body:
    """Collects a body, inflating it on the way where it is gzip, and never holds more than it may.

    Args:
        encoding: The ``Content-Encoding`` header; only gzip was asked for.
        max_wire: Bytes on the wire at most.
        max_bytes: Bytes decoded at most.
        cut: Bytes decoded at which to stop reading and keep what is there, instead of refusing the rest.

    Raises:
        FetchError: Another encoding came.
    """

    def __init__(self, encoding: str | None, *, max_wire: int, max_bytes: int, cut: int | None = None) -> None:
        coding = (encoding or "identity").strip().lower()
        if coding not in ("identity", "gzip", "x-gzip"):
            raise FetchError(f"answer in an encoding not asked for: {coding[:40]}", weight=Weight.HARD)
        self.wire_bytes = 0
        self._gunzip = _Gunzip() if coding != "identity" else None
        self._max_wire = max_wire
        self._cut = cut
        self._limit = cut if cut is not None else max_bytes
        self._decoded = bytearray()

    async def read(self, chunks: AsyncIterator[bytes]) -> bytes:
        """Return the decoded body.

        Raises:
            TooLargeError: It is over a limit.
            FetchError: It is no valid gzip, or ends too early.
        """
        async for chunk in chunks:
            self.wire_bytes += len(chunk)
            self._add(chunk)
            if len(self._decoded) > self._limit:
                if self._cut is None:
                    raise TooLargeError(f"larger than {self._limit} bytes", weight=Weight.HARD)
                return bytes(self._decoded[: self._cut])
            if self.wire_bytes > self._max_wire:
                raise TooLargeError(f"larger than {self._max_wire} bytes on the wire", weight=Weight.HARD)
        if self._gunzip and not self._gunzip.complete:
            raise FetchError("answer cut short: gzip without its end")
        return bytes(self._decoded)

    def _add(self, chunk: bytes) -> None:
        if self._gunzip is None:
            self._decoded += chunk
            return
        try:
            # One byte over the limit tells "too large" from "just fits".
            self._gunzip.inflate(chunk, self._decoded, self._limit + 1)
        except zlib.error as error:
            raise FetchError(f"damaged gzip: {error}", weight=Weight.HARD) from None


class _Gunzip:
    """Inflates gzip members one after another (RFC 1952 §2.2); what follows the last one is ignored, as gzip does."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._members = 1
        self._between = b""
        self.complete = True
        """Whether the body may end here; an empty body may."""

    def inflate(self, data: bytes, into: bytearray, limit: int) -> None:
        """Append what ``data`` inflates to, until ``into`` holds ``limit`` bytes."""
        while data and len(into) < limit:
            if self._member.eof:
                data = self._between + data
                if len(data) < len(_MAGIC):
                    self._between = data
                    return
                self._between = b""
                if not data.startswith(_MAGIC):
                    self._between = b"\0"  # not magic, so that nothing that follows is read either
                    return
                self._next_member()
            into += self._member.decompress(data, limit - len(into))
            self.complete = self._member.eof
            data = self._member.unused_data

    def _next_member(self) -> None:
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise zlib.error(f"more than {_MAX_MEMBERS} members")
        self._member = zlib.decompressobj(_GZIP)
