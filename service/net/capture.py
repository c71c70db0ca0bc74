"""An HTTP answer as evidence: what went over the wire, for a raw copy, and back to what it says. Pure."""

from collections.abc import Iterator
from datetime import datetime

from service.net.body import inflated
from service.net.response import Response
from storage.model import Capture

_UNDONE = b"X-Archive-Orig-"
"""Before the name of a field that was true on the wire, and is not of what is kept: as replay tools spell it."""
_OF_CHUNKS = (b"transfer-encoding", b"content-length")


def capture(response: Response, at: datetime, *, feed: str, via: str | None = None) -> Capture | None:
    """What a raw copy keeps of ``response``; None where the fetcher was to keep none.

    The body is the response's own, not a copy. Chunks are gone from it, so that ``Transfer-Encoding: chunked`` is not
    claimed any more, nor a ``Content-Length`` beside it, which never held (RFC 9112 §6.3); the content encoding stays.

    Args:
        response: An answer with a whole body.
        at: When it was asked for.
        feed: The feed it belongs to.
        via: The address of the document that led to it.
    """
    heads = response.heads
    if heads is None:
        return None
    notes = [("feed", feed)]
    if via is not None:
        notes.append(("via", via))
    notes += (("redirect", f"{hop.status} {hop.url} -> {hop.location}") for hop in response.hops)
    notes.append(("fetchTimeMs", f"{response.seconds * 1000:.0f}"))
    head = _without_chunks(heads.answer) if response.header("transfer-encoding") else heads.answer
    return Capture(
        url=response.url,
        at=at,
        address=heads.address,
        request=heads.request,
        head=head,
        body=response.content.data,
        notes=tuple(notes),
    )


def _without_chunks(head: bytes) -> bytes:
    status, *fields = head.split(b"\r\n")
    renamed = (_UNDONE + field if _name(field) in _OF_CHUNKS else field for field in fields)
    return b"\r\n".join((status, *renamed))


def pieces(head: bytes, body: bytes) -> Iterator[bytes]:
    """The body of a raw copy as the reader saw it: gzip is inflated, piece by piece.

    Raises:
        zlib.error: it is no valid gzip.
    """
    codings = {_value(field) for field in head.split(b"\r\n") if _name(field) == b"content-encoding"}
    return inflated(body) if codings & {b"gzip", b"x-gzip"} else iter((body,))


def _name(field: bytes) -> bytes:
    return field.partition(b":")[0].strip().lower()


def _value(field: bytes) -> bytes:
    return field.partition(b":")[2].strip().lower()
