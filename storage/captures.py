"""Captures as WARC/1.1 records (ISO 28500), made by warcio: one gzip member each.

warcio frames a record; what it would change stays as it came: it writes header fields anew that are not ASCII.
"""

import hashlib
import io
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from storage.model import Capture, Payload

_LEVEL = 3
"""Half the time of zlib's usual 6 for HTML, at 8 % more space."""
_GZIP = b"\x1f\x8b"


def digest_of(*parts: bytes) -> str:
    """SHA-256 of ``parts`` as one, as a WARC digest field.

    In hex: base 32 would need a padding that WARC's grammar has no place for.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return f"sha256:{digest.hexdigest()}"


def info_record(name: str, software: str, at: datetime) -> bytes:
    """The ``warcinfo`` record that a file called ``name`` begins with."""
    return _fields_record(
        {"WARC-Type": "warcinfo", "WARC-Date": _date(at), "WARC-Filename": name},
        (
            ("software", software),
            ("format", "WARC File Format 1.1"),
            ("conformsTo", "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"),
        ),
    )


def capture_records(capture: Capture, digest: str, earlier: Payload | None) -> Iterator[bytes]:
    """The records of one exchange: ``response`` (or ``revisit``), ``request``, ``metadata``, as gzip members.

    Args:
        capture: The exchange.
        digest: ``digest_of`` its body.
        earlier: Where the same body stands already: then it is not written again.
    """
    common = {"WARC-Target-URI": capture.url, "WARC-Date": _date(capture.at)}
    if capture.address is not None:
        common["WARC-IP-Address"] = capture.address
    name = f"<urn:uuid:{uuid4()}>"
    fields = {"WARC-Record-ID": name, **common, "WARC-Payload-Digest": digest}
    if earlier is None:
        yield _record({"WARC-Type": "response", **fields}, capture.body, head=capture.head)
    else:
        refers = {
            "WARC-Profile": WARCWriter.REVISIT_PROFILE_1_1,
            "WARC-Refers-To-Target-URI": earlier.url,
            "WARC-Refers-To-Date": _date(earlier.at),
        }
        yield _record({"WARC-Type": "revisit", **fields, **refers}, b"", head=capture.head)
    beside = {**common, "WARC-Concurrent-To": name}
    yield _record({"WARC-Type": "request", **beside}, b"", head=capture.request)
    yield _fields_record({"WARC-Type": "metadata", **beside}, capture.notes)


def codings_of(head: bytes) -> tuple[bytes, ...]:
    """The values of ``Content-Encoding`` in an HTTP head, in lower case: without them nobody knows what a body says."""
    fields = (line.partition(b":") for line in head.split(b"\r\n"))
    return tuple(value.strip().lower() for name, _, value in fields if name.strip().lower() == b"content-encoding")


def _fields_record(head: Mapping[str, str], fields: tuple[tuple[str, str], ...]) -> bytes:
    lines = (f"{name}: {' '.join(value.split())}\r\n" for name, value in fields)
    return _record(head, "".join(lines).encode("utf-8", "replace"))


def _record(fields: Mapping[str, str], body: bytes, head: bytes = b"") -> bytes:
    # what is packed already only grows
    member = _Deflated(0 if body.startswith(_GZIP) else _LEVEL)
    writer = _Writer(member, gzip=False, warc_version="1.1")
    record = writer.create_warc_record(
        fields.get("WARC-Target-URI"),
        fields["WARC-Type"],
        payload=io.BytesIO(body),
        length=len(body),
        warc_headers_dict={**fields, "WARC-Block-Digest": digest_of(head, body)},
        http_headers=_Verbatim(head) if head else None,
    )
    writer.write_record(record)
    return b"".join(member.pieces)


def _date(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


class _Writer(WARCWriter):  # type: ignore[misc]
    """Adds no digests of its own: they would be SHA-1, of request and metadata too."""

    def ensure_digest(self, *_: Any, **__: Any) -> None:
        pass


class _Verbatim(StatusAndHeaders):  # type: ignore[misc]
    """An HTTP head that is written as it came."""

    def __init__(self, head: bytes) -> None:
        super().__init__("", [])
        self.headers_buff = head

    def compute_headers_buffer(self, header_filter: object = None) -> None:
        pass

    def __bool__(self) -> bool:
        return True


class _Deflated:
    """Takes what a record is written in, and makes one gzip member of it."""

    def __init__(self, level: int) -> None:
        self._gzip = zlib.compressobj(level, zlib.DEFLATED, 31)
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.pieces.append(self._gzip.compress(data))

    def flush(self) -> None:
        self.pieces.append(self._gzip.flush())
