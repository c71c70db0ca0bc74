"""Bodies under a limit: what comes off the wire, and what it inflates to."""

import hashlib
import sys
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from io import BytesIO

from service.errors import FetchError, TooLargeError, Weight
from service.units import format_size

_GZIP = 31
"""zlib's window bits for a gzip header and trailer."""
_MAGIC = b"\x1f\x8b"
_MAX_MEMBERS = 1000
"""A body of very many tiny members costs far more time than its size says."""
_STEP = 262_144
"""Bytes inflated at a time: one chunk of a bomb would come out as big as the limit, beside what is there already."""


@dataclass(frozen=True, slots=True)
class Content:
    """A body that was read and found good, as it came: what waits for its reader, or goes to it, is to be small."""

    data: bytes = b""
    size: int = 0
    """Bytes decoded."""
    packed: bool = False
    """Whether ``data`` is gzip."""

    def pieces(self) -> Iterator[bytes]:
        """The decoded body, piece by piece."""
        if self.packed:
            yield from _Gunzip().inflate(self.data, self.size)
        else:
            yield self.data

    def decoded(self) -> bytes:
        """The decoded body."""
        return b"".join(self.pieces()) if self.packed else self.data

    def sha256(self) -> bytes:
        """SHA-256 of the decoded body."""
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.digest()


EMPTY = Content()


class Body:
    """Collects a body, inflating it on the way where it is gzip, and never holds more than it may.

    Args:
        encoding: The ``Content-Encoding`` header; only gzip was asked for.
        max_wire: Bytes on the wire at most.
        max_bytes: Bytes decoded at most.
        cut: Bytes decoded at which to stop reading and keep what is there, decoded, instead of refusing the rest.

    Raises:
        FetchError: Another encoding came.
    """

    def __init__(
        self,
        encoding: str | None,
        *,
        max_wire: int,
        max_bytes: int,
        cut: int | None = None,
    ) -> None:
        coding = (encoding or "identity").strip().lower()
        if coding not in ("identity", "gzip", "x-gzip"):
            raise FetchError(f"answer in an encoding not asked for: {coding[:40]}", weight=Weight.HARD)
        self.wire_bytes = 0
        self._gunzip = _Gunzip() if coding != "identity" else None
        self._max_wire = max_wire
        self._cut = cut
        self._limit = cut if cut is not None else max_bytes
        self._size = 0
        self._packed = self._gunzip is not None and cut is None
        self._kept = BytesIO()  # hands over what it holds without a copy

    async def read(self, chunks: AsyncIterator[bytes]) -> Content:
        """Return the body.

        Raises:
            TooLargeError: It is over a limit.
            FetchError: It is no valid gzip, or ends too early.
        """
        async for chunk in chunks:
            self.wire_bytes += len(chunk)
            self._add(chunk)
            if self._size > self._limit:
                if self._cut is None:
                    raise TooLargeError(
                        f"larger than {format_size(self._limit)}{' inflated' if self._gunzip else ''}",
                        weight=Weight.HARD,
                    )
                self._kept.truncate(self._cut)
                return Content(self._kept.getvalue(), self._cut)
            if self.wire_bytes > self._max_wire:
                raise TooLargeError(f"larger than {format_size(self._max_wire)} on the wire", weight=Weight.HARD)
        if self._gunzip and not self._gunzip.complete:
            raise FetchError("answer cut short: gzip without its end")
        return Content(self._kept.getvalue(), self._size, self._packed)

    def _add(self, chunk: bytes) -> None:
        if self._gunzip is None:
            self._size += len(chunk)
            self._kept.write(chunk)
            return
        if self._packed:
            self._kept.write(chunk)
        try:
            # One byte over the limit tells "too large" from "just fits".
            for piece in self._gunzip.inflate(chunk, self._limit + 1 - self._size):
                self._size += len(piece)
                if not self._packed:
                    self._kept.write(piece)
        except zlib.error as error:
            raise FetchError(f"damaged gzip: {error}", weight=Weight.HARD) from None


def inflated(data: bytes) -> Iterator[bytes]:
    """What gzip unfolds to, piece by piece; for a body that was once read under a limit. Raises zlib.error."""
    return _Gunzip().inflate(data, sys.maxsize)


class _Gunzip:
    """Inflates gzip members one after another (RFC 1952 §2.2); what follows the last one is ignored, as gzip does."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._members = 1
        self._between = b""
        self.complete = True
        """Whether the body may end here; an empty body may."""

    def inflate(self, data: bytes, limit: int) -> Iterator[bytes]:
        """What ``data`` inflates to, piece by piece, up to ``limit`` bytes."""
        while data and limit > 0:
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
            piece = self._member.decompress(data, min(_STEP, limit))
            limit -= len(piece)
            self.complete = self._member.eof
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            yield piece

    def _next_member(self) -> None:
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise zlib.error(f"more than {_MAX_MEMBERS} members")
        self._member = zlib.decompressobj(_GZIP)
