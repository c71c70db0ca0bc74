"""Lines as gzip members one after another, and back: one member can be read without the others. Pure.

Readers of gzip take the members for one stream (RFC 1952 §2.2).
"""

import zlib
from collections.abc import Iterable, Iterator

from storage.model import Member

MEMBER_BYTES = 4 * 1024 * 1024
"""How many bytes of lines a member holds at most: what reading one record costs."""
PIECE = 1024 * 1024
"""Bytes read, or inflated, at a time."""
_LEVEL = 6
_GZIP = 31
"""zlib's word for a gzip header and trailer. The header then holds neither a time nor a name."""


def pack(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Gzip members of whole lines; a line longer than ``MEMBER_BYTES`` is a member of its own.

    Equal lines give equal bytes.
    """
    some: list[bytes] = []
    size = 0
    for line in lines:
        if some and size + len(line) > MEMBER_BYTES:
            yield zlib.compress(b"".join(some), _LEVEL, _GZIP)
            some, size = [], 0
        some.append(line)
        size += len(line)
    if some:
        yield zlib.compress(b"".join(some), _LEVEL, _GZIP)


def unpack(chunks: Iterable[bytes]) -> Iterator[tuple[Member, bytes]]:
    """What the members hold, in order, in pieces of at most ``PIECE`` bytes, each with the member it comes from.

    Args:
        chunks: The compressed file from its beginning, cut anywhere, none of them empty.

    Raises:
        EOFError: it ends inside a member.
        zlib.error: it is no gzip, or a member's checksum is wrong.
    """
    source = iter(chunks)
    buffer = next(source, b"")
    start = offset = 0
    while buffer:
        member = Member(start, offset)
        inflater = zlib.decompressobj(_GZIP)
        while not inflater.eof:
            if not (buffer := buffer or next(source, b"")):
                raise EOFError("it ends inside a gzip member")
            piece = inflater.decompress(buffer, PIECE)
            rest = inflater.unconsumed_tail or inflater.unused_data
            start += len(piece)
            offset += len(buffer) - len(rest)
            buffer = rest
            yield member, piece
        buffer = buffer or next(source, b"")


def inflate(member: bytes) -> bytes:
    """What one member holds.

    Raises:
        EOFError: it is not all there.
        zlib.error: it is no gzip member, or its checksum is wrong.
    """
    inflater = zlib.decompressobj(_GZIP)
    lines = inflater.decompress(member)
    if not inflater.eof:
        raise EOFError("it ends inside a gzip member")
    return lines
