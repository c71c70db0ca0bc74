"""Two versions of one article: whether they say the same, and where they differ. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import groupby, takewhile

from storage.fingerprints import plain_form
from storage.tokens import words

_MOST_PAIRS = 500_000
"""Pairs of equal words up to which two stretches of text are compared by words: beyond, it may take seconds."""

_BESIDE_QUOTES = re.compile(r" (?=['\"])|(?<=['\"]) ")
"""Which side of a quote its space is on depends on the language whose quotes they are."""


def same_but_for_typography(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two texts, in paragraphs, say the same to a reader: no character differs that carries meaning.

    Unicode form, white space, where paragraphs break, the shapes of quotes and dashes, invisible characters: a site
    that is set anew changes all of them without an editor's hand. Case, digits, accents and punctuation count.
    """
    return _reading("\n".join(one)) == _reading("\n".join(other))


def _reading(text: str) -> str:
    return _BESIDE_QUOTES.sub("", plain_form(text))


class Op(StrEnum):
    """What became of a stretch of text."""

    KEEP = "keep"
    REMOVE = "remove"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of text, and what became of it."""

    op: Op
    text: str


def differences(before: Sequence[str], after: Sequence[str]) -> tuple[Change, ...]:
    r"""How one text became another, by words: paragraphs first, then the words of those that are not the same.

    Args:
        before: The paragraphs of the earlier text.
        after: Those of the later one.

    Returns:
        Stretches in order. What is kept and removed makes the earlier text, what is kept and added the later one, their
        paragraphs parted by ``\n``.
    """
    return tuple(_tidied(list(_by_paragraphs(_lines(before), _lines(after)))))


def _lines(paragraphs: Sequence[str]) -> list[str]:
    r"""Each paragraph with the ``\n`` that parts it from the one before: so that a last one is like any other."""
    return [f"\n{paragraph}" if position else paragraph for position, paragraph in enumerate(paragraphs)]


def _by_paragraphs(before: Sequence[str], after: Sequence[str]) -> Iterator[Change]:
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        old, new = "".join(before[a:b]), "".join(after[c:d])
        if tag == "equal":
            yield Change(Op.KEEP, old)
        else:
            yield from _by_words(list(words(old)), list(words(new)))


def _by_words(before: Sequence[str], after: Sequence[str]) -> Iterator[Change]:
    if not _is_too_long(before, after):
        for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            yield from _kept(before[a:b]) if tag == "equal" else _replaced(before[a:b], after[c:d])
        return
    start = _equal_at_start(before, after)
    end = _equal_at_start(before[start:][::-1], after[start:][::-1])
    middle = before[start : len(before) - end], after[start : len(after) - end]
    yield from _kept(before[:start])
    yield from _replaced(*middle) if _is_too_long(*middle) else _by_words(*middle)
    yield from _kept(before[len(before) - end :])


def _is_too_long(before: Sequence[str], after: Sequence[str]) -> bool:
    counts = Counter(after)
    return sum(counts[word] for word in before) > _MOST_PAIRS


def _equal_at_start(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _kept(pieces: Sequence[str]) -> list[Change]:
    return [Change(Op.KEEP, "".join(pieces))] if pieces else []


def _replaced(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    return [Change(op, text) for op, text in ((Op.REMOVE, "".join(old)), (Op.ADD, "".join(new))) if text]


def _tidied(changes: Sequence[Change]) -> Iterator[Change]:
    """White space alone between two changes joins them: ``[-one two-]{+three four+}`` reads, word for word does not."""

    def is_kept(position: int) -> bool:
        change = changes[position]
        between = 0 < position < len(changes) - 1
        return change.op is Op.KEEP and not (between and change.text.isspace())

    for kept, group in groupby(range(len(changes)), is_kept):
        some = [changes[position] for position in group]
        if kept:
            yield Change(Op.KEEP, "".join(change.text for change in some))
        else:
            old = "".join(change.text for change in some if change.op is not Op.ADD)
            new = "".join(change.text for change in some if change.op is not Op.REMOVE)
            yield from _replaced(old, new)


def shortened(changes: Sequence[Change], context: int = 6) -> Iterator[Change]:
    """The changes with a few words around each: of a longer stretch that is kept, the rest becomes ``…``.

    Args:
        changes: What ``differences`` gives.
        context: Words to keep on either side.
    """
    for position, change in enumerate(changes):
        if change.op is not Op.KEEP:
            yield change
            continue
        pieces = list(words(change.text))
        ahead = 0 if position == 0 else _end_of(pieces, context)
        behind = 0 if position == len(changes) - 1 else _end_of(pieces[::-1], context)
        if ahead + behind + context > len(pieces):  # too little would be saved
            yield change
        else:
            left, right = "".join(pieces[:ahead]).rstrip(), "".join(pieces[len(pieces) - behind :]).lstrip()
            yield Change(Op.KEEP, " ".join(part for part in (left, "…", right) if part))


def _end_of(pieces: Sequence[str], count: int) -> int:
    """How many pieces the first ``count`` words take, with what stands between them."""
    for position, piece in enumerate(pieces):
        count -= not piece.isspace()
        if count < 0:
            return position
    return len(pieces)
