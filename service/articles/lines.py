"""Text in lines: what any reader of any system takes for one line is one line, and can be written as UTF-8. Pure."""

import re

# Everything that str.splitlines() or a terminal would break a line at or act upon, but "\n" itself.
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_INVISIBLE = "\u200b\u2060\ufeff"


def split_lines(text: str) -> tuple[str, ...]:
    r"""The non-empty lines of ``text``, without white space at their ends.

    Only ``\n`` and its old spellings end a line. Control characters and other line separators become spaces, lone
    surrogates (JSON's ``"\ud800"`` brings them, no UTF-8 can hold them) U+FFFD; the rest stays as it is.
    """
    return tuple(line for raw in _plain(text).split("\n") if (line := _strip(raw)))


def one_line(text: str) -> str:
    """``text`` as one line: every run of white space a single space, none at the ends; may come out empty."""
    return _strip(" ".join(_plain(text).split()))


def _plain(text: str) -> str:
    text = _CONTROLS.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def _strip(line: str) -> str:
    return line.strip().strip(_INVISIBLE).strip()
