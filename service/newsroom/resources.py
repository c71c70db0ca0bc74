"""What stands at a path: a body with its validators, answered conditionally (RFC 9110 §13)."""

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import blake2b

from service.newsroom.log import Kind
from service.newsroom.wire import Answer, Head

_COMPRESSIBLE = ("text/", "application/xml", "application/json", "application/rss", "application/atom",
                 "application/rdf", "application/feed")  # fmt: skip
_SMALLEST_COMPRESSED = 200


class Resource:
    """A body and its headers; the gzip form is made once, when first asked for.

    A strong entity tag differs between the two forms, as it must; a weak one need not. An ``ETag`` or
    ``Last-Modified`` among ``headers`` stands instead of the ones given apart.
    """

    def __init__(
        self,
        body: bytes,
        content_type: str,
        kind: Kind,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        etag: bool = True,
        weak_etag: bool = False,
        last_modified: datetime | None = None,
        compress: bool = True,
    ) -> None:
        self.kind = kind
        self._status = status
        self._body = body
        self._fields: dict[str, str] = {"Content-Type": content_type}
        if etag:
            tag = f'"{blake2b(body, digest_size=8).hexdigest()}"'
            self._fields["ETag"] = f"W/{tag}" if weak_etag else tag
        if last_modified:
            self._fields["Last-Modified"] = format_datetime(last_modified.astimezone(UTC), usegmt=True)
        own = {name.title().replace("Etag", "ETag"): value for name, value in (headers or {}).items()}
        self._fields |= own
        self._compress = (
            compress
            and "Content-Encoding" not in own
            and len(body) >= _SMALLEST_COMPRESSED
            and content_type.startswith(_COMPRESSIBLE)
        )
        if self._compress:
            self._fields["Vary"] = "Accept-Encoding"
        self._plain: Answer | None = None
        self._gzipped: Answer | None = None

    def answer(self, head: Head) -> Answer:
        """The answer to a request: 304 if the client's copy is current, else the body in a form it accepts."""
        answer = self._in_gzip() if self._compress and _accepts_gzip(head) else self._as_is()
        if self._status == 200 and self._is_current(head):
            kept = ("ETag", "Last-Modified", "Vary", "Cache-Control", "Expires")
            return Answer(304, tuple(field for field in answer.headers if field[0] in kept))
        return answer

    def _as_is(self) -> Answer:
        if self._plain is None:
            self._plain = Answer(self._status, tuple(self._fields.items()), self._body)
        return self._plain

    def _in_gzip(self) -> Answer:
        if self._gzipped is None:
            fields = {**self._fields, "Content-Encoding": "gzip"}
            if "ETag" in fields:
                fields["ETag"] = _gzip_tag(fields["ETag"])
            self._gzipped = Answer(self._status, tuple(fields.items()), gzip.compress(self._body, 6, mtime=0))
        return self._gzipped

    def _is_current(self, head: Head) -> bool:
        if (asked := head.headers.get("if-none-match")) is not None:
            return (tag := self._fields.get("ETag")) is not None and _any_matches(asked, tag)
        modified, since = self._fields.get("Last-Modified"), head.headers.get("if-modified-since")
        if modified is None or since is None:
            return False
        ours, theirs = _date(modified), _date(since)
        return modified == since or (ours is not None and theirs is not None and ours <= theirs)


def _accepts_gzip(head: Head) -> bool:
    for coding in head.headers.get("accept-encoding", "").lower().split(","):
        name, *parameters = (part.strip() for part in coding.split(";"))
        if name in ("gzip", "x-gzip", "*"):
            return not any(parameter in ("q=0", "q=0.0") for parameter in parameters)
    return False


def _gzip_tag(tag: str) -> str:
    return tag if tag.startswith("W/") or not tag.endswith('"') else f'{tag[:-1]}-gzip"'


def _any_matches(asked: str, tag: str) -> bool:
    """Weak comparison with a list of entity tags; tags may hold commas, so the list is searched, not split."""
    opaque = {form.removeprefix("W/") for form in (tag, _gzip_tag(tag))}
    rest = asked.strip()
    if rest == "*" or rest.removeprefix("W/") in opaque:
        return True
    while rest:
        rest = rest.lstrip(", \t").removeprefix("W/")
        if not rest.startswith('"') or (end := rest.find('"', 1)) < 0:
            return False
        if rest[: end + 1] in opaque:
            return True
        rest = rest[end + 1 :]
    return False


def _date(text: str) -> datetime | None:
    """An HTTP-date, always in GMT; None where it cannot be read."""
    try:
        return parsedate_to_datetime(text).replace(tzinfo=UTC)
    except ValueError:
        return None
