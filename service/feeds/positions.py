"""Where the feeds of a ``feeds.toml`` stand, line by line: TOML parsers give values but no lines.

Made for text that already parsed as TOML; lines count from 1.
"""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\''  # strings over many lines, which may hold anything that looks like TOML
    r'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''  # strings, which may hold a #
    r"|#[^\n]*",
    re.DOTALL,
)
_FEED = re.compile(r"""\s*\[\[\s*(?:feed|"feed"|'feed')\s*\]\]\s*""")
_TABLE = re.compile(r"""\s*\[{1,2}([\w\s."'-]+)\]{1,2}\s*""")
_KEY = re.compile(r"""\s*(?:([\w-]+)|"([^"]*)"|'([^']*)')\s*[=.]""")


@dataclass(slots=True)
class Position:
    """The lines of one ``[[feed]]``: its header, each of its keys, and the last line that belongs to it."""

    header: int
    end: int
    keys: dict[str, int] = field(default_factory=dict)

    def line(self, key: str) -> int:
        """The line of a key; the header's where the key is not there."""
        return self.keys.get(key, self.header)


def locate_feeds(text: str) -> tuple[Position, ...]:
    """The position of every ``[[feed]]``, in order."""
    found: list[Position] = []
    current: Position | None = None
    for number, line in enumerate(_bare(text).split("\n"), start=1):
        if _FEED.fullmatch(line):
            current = Position(header=number, end=number)
            found.append(current)
        elif table := _TABLE.fullmatch(line):
            parent, _, child = table[1].replace(" ", "").partition(".")
            if current and parent == "feed":
                current.keys.setdefault(child, number)
            else:
                current = None
        elif current and line.strip():
            current.end = number
            if key := _KEY.match(line):
                current.keys.setdefault(key[1] or key[2] or key[3], number)
    return tuple(found)


def locate_keys(text: str) -> dict[str, int]:
    """The line of every key and table at the top of the document."""
    found: dict[str, int] = {}
    inside = False
    for number, line in enumerate(_bare(text).split("\n"), start=1):
        if table := _TABLE.fullmatch(line):
            inside = True
            found.setdefault(table[1].partition(".")[0].strip(" \"'"), number)
        elif not inside and (key := _KEY.match(line)):
            found.setdefault(key[1] or key[2] or key[3], number)
    return found


def _bare(text: str) -> str:
    """The text without comments and without what strings over many lines say, its lines where they were."""

    def bare(token: re.Match[str]) -> str:
        if token[0].startswith("#"):
            return ""
        lines = "\n" * token[0].count("\n")
        return f'"{lines}"' if token[0].startswith(('"""', "'''")) else token[0]

    return _TOKEN.sub(bare, text)
