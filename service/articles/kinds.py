"""What a body is, by its declared type and its first bytes. Pure."""

import re

_HTML = {"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"}
_ANYTHING = {"", "text/plain", "text/xml", "application/xml", "application/octet-stream", "unknown/unknown"}
"""Types that servers give to HTML too: the bytes decide."""
_WITHIN = 2048
_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"\xd0\xcf\x11\xe0", "application/x-ole-storage"),
)
_MAGIC_INSIDE = re.compile(rb"....ftyp|RIFF....(?:WEBP|WAVE|AVI )", re.DOTALL)
_TAGS = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|title|meta|link|style|script|article|main|div|table|p|h1|a|b|br|span)[\s/>]",
    re.IGNORECASE,
)
_FEED = re.compile(rb"<(?:rss|feed|rdf:RDF|urlset|sitemapindex)[\s>]")


def kind_other_than_html(body: bytes, content_type: str | None) -> str | None:
    """The media type of a body that is no HTML; None where it is, or may be.

    Bytes that prove a type (PDF, image, archive …) outweigh the declaration; otherwise a declared type other than
    HTML is believed, but for those that servers give to anything.
    """
    start = body[:_WITHIN].lstrip()
    declared = (content_type or "").partition(";")[0].strip().lower()
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            return kind
    if _MAGIC_INSIDE.match(start):
        return declared if declared not in _HTML | _ANYTHING else "application/octet-stream"
    if start[:1] in (b"{", b"[") and not _TAGS.search(start):
        return "application/json"
    if declared in _HTML:
        return None
    if declared not in _ANYTHING:
        return declared
    if _FEED.search(start) or not _TAGS.search(start):
        return declared or "application/octet-stream"
    return None
