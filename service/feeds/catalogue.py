"""The catalogue: which feeds to watch. Text of a ``feeds.toml`` in, feeds or edited text out; no file is touched.

Edits change only the lines they mean to; every comment and blank line elsewhere stays. tomlkit writes the values, but
tables are not removed or extended through it: it counts the comment above a feed to the feed before.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from service.errors import SettingsError
from service.feeds.fields import READERS, address_key
from service.feeds.positions import Position, locate_feeds, locate_keys
from service.units import format_duration
from storage.model import Content, Feed

SOURCE = "feeds.toml"

_TOML_ERROR = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)")

_Problem = tuple[int, str]
"""A line (0: the document as a whole) and what is wrong there."""


# -- reading -----------------------------------------------------------------------------------------------------------


def parse_catalogue(text: str, *, source: str = SOURCE) -> tuple[Feed, ...]:
    """Read the feeds of a catalogue, in order, disabled ones included.

    Args:
        text: TOML: an array of tables ``[[feed]]``.
        source: what to call the text in messages.

    Raises:
        SettingsError: with one line ``source:line: problem`` for everything that is wrong, all at once.
    """
    document = _load(text, source)
    problems = _check_top(document, text)
    tables = document.get("feed", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        line = locate_keys(text).get("feed", 0)
        problems.append((line, "feeds stand under [[feed]], in two pairs of brackets, each under its own"))
        tables = []
    positions: Sequence[Position] = locate_feeds(text)
    if len(positions) != len(tables):  # feeds written as an inline array: right, but not to be found by lines
        positions = (Position(0, 0),) * len(tables)
    feeds = []
    for number, (table, position) in enumerate(zip(tables, positions, strict=True), start=1):
        values, wrong = _read_feed(table, position)
        problems += [(line, f"{_label(table, number)}: {problem}") for line, problem in wrong]
        feeds.append(values)
    problems += _check_twice(feeds, positions)
    if problems:
        raise SettingsError("\n".join(_place(source, *problem) for problem in sorted(problems)))
    return tuple(Feed(**values) for values in feeds)


def suggest(word: str, known: Iterable[str]) -> str:
    """``; did you mean "…"?`` where one of the known words is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def _load(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _TOML_ERROR.fullmatch(str(error))
        what = match["what"] if match else str(error)
        line = match["line"] if match and match["line"] else str(text.count("\n") + 1)
        column = f":{match['column']}" if match and match["column"] else ""
        raise SettingsError(f"{source}:{line}{column}: not TOML: {what[:1].lower()}{what[1:]}") from None


def _check_top(document: Mapping[str, Any], text: str) -> list[_Problem]:
    lines = locate_keys(text)
    return [
        (lines.get(key, 0), f'unknown key "{key}"; only [[feed]] stands here' + suggest(key, ["feed"]))
        for key in document
        if key != "feed"
    ]


def _label(table: Mapping[str, Any], number: int) -> str:
    name = table.get("name")
    return f'feed "{name}"' if isinstance(name, str) and name else f"feed number {number}"


def _place(source: str, line: int, problem: str) -> str:
    return f"{source}:{line}: {problem}" if line else f"{source}: {problem}"


def _read_feed(table: Mapping[str, Any], position: Position) -> tuple[dict[str, Any], list[_Problem]]:
    """The values of one ``[[feed]]`` that are right, and what is wrong with the others."""
    values: dict[str, Any] = {}
    problems = [(position.header, f"{key} is missing") for key in ("name", "url") if key not in table]
    for key, value in table.items():
        if key not in READERS:
            problems.append((position.line(key), f'unknown key "{key}"' + suggest(key, READERS)))
            continue
        try:
            values[key] = READERS[key](value)
        except ValueError as error:
            problems.append((position.line(key), f"{key}: {error}"))
    return values, problems


def _check_twice(feeds: list[dict[str, Any]], positions: Sequence[Position]) -> list[_Problem]:
    """Names and addresses that stand under more than one feed."""
    problems: list[_Problem] = []
    for key in ("name", "url"):
        first: dict[str, int] = {}
        for number, (feed, position) in enumerate(zip(feeds, positions, strict=True), start=1):
            if key not in feed:
                continue
            same = first.setdefault(address_key(feed[key]) if key == "url" else feed[key], number)
            if same != number:
                line = positions[same - 1].line(key)
                where = f"at line {line}" if line else _label(feeds[same - 1], same)
                label = _label(feed, number)
                problems.append((position.line(key), f"{label}: the {key} stands twice (first {where})"))
    return problems


# -- writing -----------------------------------------------------------------------------------------------------------


def format_catalogue(feeds: Iterable[Feed]) -> str:
    """Write feeds as a catalogue that ``parse_catalogue`` reads back as the same; what is as by default is left out."""
    return "\n".join(_format_feed(feed) for feed in feeds)


def add_feed(text: str, feed: Feed, *, source: str = SOURCE) -> str:
    """Put a feed at the end of a catalogue: ``add_feeds`` with one."""
    return add_feeds(text, [feed], source=source)


def add_feeds(text: str, feeds: Iterable[Feed], *, source: str = SOURCE) -> str:
    """Put feeds at the end of a catalogue.

    Raises:
        SettingsError: the text is no catalogue, or a name or url stands there already, or a value may not stand.
    """
    before = parse_catalogue(text, source=source)
    _locate(text, before, source)
    lines = _lines(text.rstrip())
    for feed in feeds:
        lines += ["", *_format_feed(feed).rstrip("\n").split("\n")]
    after = _joined([*(lines if text.strip() else lines[2:]), ""], text)
    parse_catalogue(after, source=source)
    return after


def remove_feed(text: str, name: str, *, source: str = SOURCE) -> str:
    """Take a feed out of a catalogue, with the comment that stands right above it.

    Comments at the top of the file and those set off by a blank line stay.

    Raises:
        SettingsError: the text is no catalogue.
        KeyError: no feed has that name.
    """
    before = parse_catalogue(text, source=source)
    number = _index(before, name)
    position = _locate(text, before, source)[number]
    lines = _lines(text)
    start, end = position.header - 1, position.end
    while start > 0 and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    if start == 0:
        start = position.header - 1
    while end < len(lines) and not lines[end].strip():
        end += 1
    kept = [*lines[:start], *lines[end:]]
    while kept and not kept[-1].strip():
        kept.pop()
    return _agreed(_joined([*kept, ""], text), before[:number] + before[number + 1 :], source)


def set_enabled(text: str, name: str, enabled: bool, *, source: str = SOURCE) -> str:
    """Switch a feed on or off; a comment beside the switch stays. Text that is so already comes back as it was.

    Raises:
        SettingsError: the text is no catalogue.
        KeyError: no feed has that name.
    """
    before = parse_catalogue(text, source=source)
    number = _index(before, name)
    if before[number].enabled == enabled:
        return text
    position = _locate(text, before, source)[number]
    lines = _lines(text)
    value = str(enabled).lower()
    if line := position.keys.get("enabled"):
        lines[line - 1] = re.sub(r"(=\s*)(?:true|false)", rf"\g<1>{value}", lines[line - 1], count=1)
    else:
        lines.insert(position.end, f"enabled = {value}")
    changed = replace(before[number], enabled=enabled)
    return _agreed(_joined(lines, text), (*before[:number], changed, *before[number + 1 :]), source)


def _format_feed(feed: Feed) -> str:
    values: dict[str, Any] = {"name": feed.name, "url": feed.url}
    values |= {key: value for key in ("language", "publisher") if (value := getattr(feed, key)) is not None}
    if feed.interval is not None:
        values["interval"] = format_duration(feed.interval)
    if not feed.enabled:
        values["enabled"] = False
    if feed.dedup is not None:
        values["dedup"] = str(feed.dedup)
    if feed.content is not Content.PAGE:
        values["content"] = str(feed.content)
    if not feed.obey_robots:
        values["obey_robots"] = False
    if feed.tags:
        values["tags"] = list(feed.tags)
    import tomlkit  # for edits alone

    return "[[feed]]\n" + tomlkit.dumps(values)


def _index(feeds: tuple[Feed, ...], name: str) -> int:
    for number, feed in enumerate(feeds):
        if feed.name == name:
            return number
    raise KeyError(name)


def _locate(text: str, feeds: tuple[Feed, ...], source: str) -> tuple[Position, ...]:
    positions = locate_feeds(text)
    if len(positions) != len(feeds):
        raise SettingsError(f"{source}: its feeds are not written as [[feed]]: edit it by hand")
    return positions


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n")


def _joined(lines: list[str], model: str) -> str:
    """The lines as one text, ended as in the text they come from."""
    return ("\r\n" if "\r\n" in model else "\n").join(lines)


def _agreed(text: str, feeds: tuple[Feed, ...], source: str) -> str:
    """The edited text, if it says what it was meant to: a file laid out in a way we misread is better left alone."""
    try:
        agreed = parse_catalogue(text, source=source) == feeds
    except SettingsError:
        agreed = False
    if not agreed:
        raise SettingsError(f"{source}: written in a way that cannot be edited without harm: edit it by hand")
    return text
