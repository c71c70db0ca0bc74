"""The figures of an archive, each repeated paragraph with its text."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from service.logs import printable
from storage.errors import StorageError
from storage.model import Intake, Recurrence, Repeated, Standing
from storage.rebuild import Find
from storage.references import Texts
from storage.store import Store

REASONS = ("repeat", "boilerplate", "known")
"""Why paragraphs are removed, as records say it."""

_JOINERS = "\u00ad\u200b\u200c\u200d\u2060"
"""Invisible, but part of ordinary words: Khmer parts its words by one of these, Persian and Hindi join by others."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Figures added up over feeds or days."""

    articles: int = 0
    """Article versions."""
    paragraphs: int = 0
    """Of their full texts."""
    repeat: int = 0
    boilerplate: int = 0
    known: int = 0

    @property
    def removed(self) -> int:
        """Paragraphs removed, for whichever reason."""
        return self.repeat + self.boilerplate + self.known

    @property
    def kept(self) -> int:
        """Paragraphs that stand in the records; none where the index does not know of all."""
        return max(self.paragraphs - self.removed, 0)

    @property
    def reasons(self) -> Mapping[str, int]:
        """Paragraphs removed, by reason."""
        return {"repeat": self.repeat, "boilerplate": self.boilerplate, "known": self.known}


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph, where it stands, and in which article that is."""

    standing: Standing
    text: str | None
    """None: it cannot be read there."""
    title: str | None = None
    url: str | None = None
    language: str | None = None
    """BCP 47, as the record has it."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that is told of an archive."""

    intakes: Sequence[Intake]
    boilerplate: Sequence[tuple[Recurrence, Passage]]
    """By feed, most frequent first."""
    repeated: Sequence[tuple[Repeated, Passage]]
    """Most frequent first."""
    least_articles: int
    """From how many articles of a feed on,"""
    least_days: int
    """on how many days, a paragraph is its boilerplate."""
    is_complete: bool = True
    """Whether the index of texts knows every record; else there are fewer paragraphs in here than in the archive."""


def gather(
    store: Store,
    find: Find,
    *,
    least_articles: int,
    least_days: int,
    top: int,
    feeds: Collection[str] = (),
) -> Report:
    """The figures of these feeds or, where none is named, of all.

    Args:
        store: Knows them.
        find: Gives an article of the archive, as ``storage.references.finder`` does.
        least_articles: From how many articles of a feed on,
        least_days: on how many days, a paragraph is its boilerplate.
        top: At most so many repeated paragraphs, and lines of boilerplate of each feed.
        feeds: Their names.

    Raises:
        StorageError: the database cannot be read. A record that cannot be is named as such in the report.
    """
    passages = _Passages(find)
    learned = store.boilerplate(least_articles, least_days, top, feeds)
    return Report(
        intakes=store.intake(feeds),
        boilerplate=[(recurrence, passages.at(standing)) for recurrence, standing in learned],
        repeated=[(repeated, passages.at(repeated.standing)) for repeated in store.most_repeated(top, feeds)],
        least_articles=least_articles,
        least_days=least_days,
        is_complete=store.is_indexed(),
    )


class _Passages:
    def __init__(self, find: Find) -> None:
        self._find = find
        self._texts = Texts(find)

    def at(self, standing: Standing) -> Passage:
        try:
            text, article = self._texts.at(standing), self._find(standing.id, standing.revision)
        except StorageError:
            return Passage(standing, None)
        return Passage(standing, text, article.title, article.url, article.language)


def total(intakes: Iterable[Intake]) -> Sums:
    """The sums of all of these."""
    sums = [0] * 5
    for one in intakes:
        for place, number in enumerate((one.articles, one.paragraphs, one.repeat, one.boilerplate, one.known)):
            sums[place] += number
    return Sums(*sums)


def by_feed(intakes: Iterable[Intake]) -> Mapping[str, Sequence[Intake]]:
    """What came in, by feed: those with most articles first."""
    grouped: dict[str, list[Intake]] = {}
    for one in intakes:
        grouped.setdefault(one.feed, []).append(one)
    return dict(sorted(grouped.items(), key=lambda item: (-sum(one.articles for one in item[1]), item[0])))


def by_day(intakes: Iterable[Intake]) -> Mapping[date, Sums]:
    """The sums of each day on which anything came in, in order."""
    grouped: dict[date, list[Intake]] = {}
    for one in intakes:
        grouped.setdefault(one.day, []).append(one)
    return {day: total(grouped[day]) for day in sorted(grouped)}


def share(part: int, whole: int) -> str:
    """``part`` of ``whole`` in percent, with one digit behind the point; a dash of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def legible(text: str) -> str:
    """``text`` in one line: white space of any kind a space, what could move a cursor or turn a line round escaped."""
    return "".join(c if c in _JOINERS else printable(c) for c in " ".join(text.split()))


def frequency(recurrence: Recurrence) -> str:
    """How often a paragraph stood in a feed's articles, and where."""
    where = f"head {recurrence.head}, tail {recurrence.tail}"
    return f"stood in {counted(recurrence.articles, 'article')} on {counted(recurrence.days, 'day')}; {where}"


def counted(number: int, noun: str) -> str:
    """A number and what is counted: ``1 day``, ``2 days``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
