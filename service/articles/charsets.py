"""Bytes to text: byte order mark, what the server declares, what the page declares, what the bytes are. Pure.

Labels mean what browsers take them for (WHATWG Encoding Standard §4.2): ``iso-8859-1`` is windows-1252, ``gb2312`` is
read as gb18030. A declaration is believed unless the bytes contradict it.
"""

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16le"), (codecs.BOM_UTF16_BE, "utf-16be"))
_WITHIN = 8192
"""Bytes in which a page's own declaration is looked for; the standard asks for the first 1,024, pages put it later."""
_META = re.compile(
    rb"""<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)""", re.IGNORECASE
)
_TOLERATED = 0.02
"""Share of non-ASCII bytes that may be broken in a text that is still UTF-8: a cut character, a pasted one."""

_SAMPLE = 5_000
"""Bytes from either end of a page that detection looks at."""

# Python's name for the codec a label names → the standard's name for it, and the codec that decodes as browsers do.
_KNOWN = {
    "utf-8": ("utf-8", "utf-8"),
    "utf-8-sig": ("utf-8", "utf-8"),
    "ascii": ("windows-1252", "cp1252"),
    "iso8859-1": ("windows-1252", "cp1252"),
    "iso8859-9": ("windows-1254", "cp1254"),
    "iso8859-11": ("windows-874", "cp874"),
    "tis-620": ("windows-874", "cp874"),
    "cp874": ("windows-874", "cp874"),
    "gb2312": ("gbk", "gb18030"),
    "gbk": ("gbk", "gb18030"),
    "gb18030": ("gb18030", "gb18030"),
    "big5": ("big5", "big5hkscs"),
    "big5hkscs": ("big5", "big5hkscs"),
    "shift_jis": ("shift_jis", "cp932"),
    "cp932": ("shift_jis", "cp932"),
    "euc_jp": ("euc-jp", "euc_jp"),
    "iso2022_jp": ("iso-2022-jp", "iso2022_jp"),
    "euc_kr": ("euc-kr", "cp949"),
    "cp949": ("euc-kr", "cp949"),
    "koi8-r": ("koi8-r", "koi8_r"),
    "koi8-u": ("koi8-u", "koi8_u"),
    "cp866": ("ibm866", "cp866"),
    "mac-roman": ("macintosh", "mac_roman"),
    "mac-cyrillic": ("x-mac-cyrillic", "mac_cyrillic"),
    "utf-16": ("utf-16le", "utf-16-le"),
    "utf-16-le": ("utf-16le", "utf-16-le"),
    "utf-16-be": ("utf-16be", "utf-16-be"),
    **{f"cp{number}": (f"windows-{number}", f"cp{number}") for number in range(1250, 1259)},
    **{f"iso8859-{part}": (f"iso-8859-{part}", f"iso8859_{part}") for part in (*range(2, 9), 10, 13, 14, 15, 16)},
}
_ALIASES = {
    "windows-31j": "cp932",
    "x-sjis": "cp932",
    "x-gbk": "gbk",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso8859-8",
    "utf8mb4": "utf-8",
}
"""Labels that Python does not know."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, the encoding it was read with (the standard's name, lower case), and what was wrong on the way."""

    text: str
    charset: str
    warning: str | None = None


def decode(body: bytes, declared: str | None = None) -> Decoded:
    """Decode a page; never fails.

    Args:
        body: The page.
        declared: The ``charset`` of the Content-Type header.

    The first that holds: a byte order mark; UTF-8, where the bytes are valid UTF-8 beyond ASCII (no other text is,
    but by accident); ``declared``; the page's own ``<meta charset>``; UTF-8 with a few broken characters; detection.
    ``warning`` names a declaration that the bytes contradict, or characters that could not be read.
    """
    for mark, name in _MARKS:
        if body.startswith(mark):
            return Decoded(body[len(mark) :].decode(_codec(name), "replace"), name)
    claims = [claim for claim in (_known(declared), _declared_within(body)) if claim]
    text, charset, broken = _read(body, claims)
    if claims and claims[0] != charset:
        return Decoded(text, charset, f"charset: declared {claims[0]}, is {charset}")
    return Decoded(text, charset, f"charset: {broken} characters unreadable as {charset}" if broken else None)


def _read(body: bytes, claims: list[str]) -> tuple[str, str, int]:
    """Text, encoding, and how many characters of it are broken."""
    if not body.isascii() and (text := _try(body, "utf-8")) is not None:
        return text, "utf-8", 0
    for charset in claims or ["utf-8"]:
        if (text := _try(body, charset)) is not None:
            return text, charset, 0
    for charset in ("utf-8", *claims):
        text = body.decode(_codec(charset), "replace")
        if (broken := text.count("\ufffd")) <= max(1, _TOLERATED * _beyond_ascii(body)):
            return text, charset, broken
    sample = body if len(body) < 2 * _SAMPLE else body[:_SAMPLE] + body[-_SAMPLE:]
    for match in from_bytes(sample):
        if (charset := _known(match.encoding) or "") and (text := _try(body, charset)) is not None:
            return text, charset, 0
    text = body.decode("cp1252", "replace")
    return text, "windows-1252", text.count("\ufffd")


def _beyond_ascii(body: bytes) -> int:
    return len(body) - len(body.translate(None, bytes(range(0x80, 0x100))))


def _try(body: bytes, charset: str) -> str | None:
    try:
        text = body.decode(_codec(charset))
    except UnicodeDecodeError:
        return None
    return None if charset.startswith("utf-16") and "<" not in text else text


def _declared_within(body: bytes) -> str | None:
    match = _META.search(body, 0, _WITHIN)
    charset = _known((match[1] or match[2]).decode("ascii", "replace")) if match else None
    # A declaration that could be read as ASCII is not in UTF-16 (WHATWG HTML §13.2.3.3).
    return "utf-8" if charset and charset.startswith("utf-16") else charset


def _known(label: str | None) -> str | None:
    """The standard's name for a label, None for one that no page may be in."""
    if not label:
        return None
    plain = label.strip().strip("\"'").lower()
    try:
        python = codecs.lookup(_ALIASES.get(plain, plain)).name
    except (LookupError, ValueError):
        return None
    known = _KNOWN.get(python)
    return known[0] if known else None


_CODECS = dict(_KNOWN.values())


def _codec(charset: str) -> str:
    return _CODECS[charset]
