"""A stretch of a file in which lines and rows do not agree, and what is said of it. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from storage.model import ArchivedRevision, Place
from storage.verification.damage import Found
from storage.words import are, count

Name = tuple[str, int]
"""Id and revision."""
_A_PAIR = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it stands in a file, and what is wrong in itself."""

    offset: int
    length: int
    name: Name | None = None
    """Of the record; None where it is none."""
    text_hash: str | None = None
    title: str | None = None
    digest: bytes | None = None
    keys: bytes | None = None
    """Of its paragraphs; None where they cannot be told."""
    urls: frozenset[str] = frozenset()
    problem: str | None = None

    @property
    def end(self) -> int:
        """Where the next line begins."""
        return self.offset + self.length


def name_of(row: ArchivedRevision) -> Name:
    """Id and revision."""
    return row.id, row.revision


def named(records: Sequence[ArchivedRevision]) -> str:
    """Records, in words: the first and the last by name."""
    first, last = (f"{record.id} revision {record.revision}" for record in (records[0], records[-1]))
    return first if len(records) == 1 else f"{len(records)} records ({first} to {last})"


@dataclass(frozen=True, slots=True)
class Gap:
    """What stands between two lines that are as they should be, beside what should."""

    offset: int
    lines: tuple[Line, ...]
    rows: tuple[ArchivedRevision, ...]
    missing: int
    """Bytes by which the lines are shorter than the database has them; less than 0 where they are longer."""
    is_end: bool
    """Whether the file ends with it."""
    moved: frozenset[Name | None] = frozenset()
    """Records that are there, but elsewhere nearby."""

    def found(self, find: Callable[[str, int], Place | None]) -> Iterator[Found]:
        """What is wrong: one sentence, but for records in another order of which some are damaged besides.

        Args:
            find: Where the database has a record; None where it has none.
        """
        gone = [row for row in self.rows if name_of(row) not in self.moved]
        names = {name_of(row) for row in self.rows}
        if self.rows and len(self.lines) == len(self.rows) and {line.name for line in self.lines} == names:
            yield self.offset, self._reordered()
            yield from ((line.offset, line.problem) for line in self.lines if line.problem)
        elif gone:
            yield self.offset, self._replaced(gone) if self.lines else self._gone(gone)
        elif self.lines:
            yield self.offset, self._added(find)

    def _reordered(self) -> str:
        if len(self.rows) > _A_PAIR:
            return f"{named(self.rows)} stand here in another order than the database has them"
        return f"{named(self.rows[:1])} and {named(self.rows[1:])} have changed places"

    def _gone(self, gone: Sequence[ArchivedRevision]) -> str:
        if self.missing <= 0:
            return f"the database has {named(gone)} here, but no record begins here"
        where = f"the file ends here, {count(self.missing, 'byte')} short" if self.is_end else self._extent()
        return f"{where}: {named(gone)} {'is' if len(gone) == 1 else 'are'} gone"

    def _replaced(self, gone: Sequence[ArchivedRevision]) -> str:
        first = self.lines[0]
        if first.name is None:
            what = f"{named(gone)} cannot be read: {first.problem}"
        else:
            what = f"{_record(first.name)} stands here, but the database has {named(gone)} here"
        return f"{what}; {self._extent()}" if self.missing else what

    def _extent(self) -> str:
        if self.missing < 0:
            return f"{are(-self.missing, 'byte')} too many"
        bytes_ = self.missing
        return f"the file ends {count(bytes_, 'byte')} short" if self.is_end else f"{are(bytes_, 'byte')} missing here"

    def _added(self, find: Callable[[str, int], Place | None]) -> str:
        what = self._stray(self.lines[0], find)
        if len(self.lines) == 1:
            return what
        return f"{len(self.lines)} lines stand here that the database does not have here; of the first: {what}"

    def _stray(self, line: Line, find: Callable[[str, int], Place | None]) -> str:
        if line.name is None:
            return f"the database has nothing here, and this is no record: {line.problem}"
        if (place := find(*line.name)) is None:
            return f"the database does not know {_record(line.name)}, which stands here"
        return f"{_record(line.name)} stands here, but the database has it in {place.file} at byte {place.offset}"


def _record(name: Name) -> str:
    return f"{name[0]} revision {name[1]}"
