"""A file's lines beside the database's rows about them: what is missing, too many, moved or damaged, each said once.

Records are matched by id and revision, in order. Where lines and rows part, both are read on until two of them running
agree again; what lies between is told in one sentence, however far it shifts what follows. Pure.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from storage.model import ArchivedRevision, Place
from storage.verification.ahead import Ahead
from storage.verification.damage import Found
from storage.verification.gap import Gap, Line, Name, name_of, named


def align(
    lines: Iterator[Line],
    rows: Iterator[ArchivedRevision],
    find: Callable[[str, int], Place | None],
    *,
    start: int,
    end: int,
    note: Callable[[Line], None] | None = None,
) -> Iterator[Found]:
    """What is wrong, by offset; nothing if each line stands where its row says, and is sound in itself.

    Args:
        lines: Of a file, from byte ``start`` on, in order. Those that begin past what is committed are not judged.
        rows: What the database has of the file between ``start`` and ``end``, in order.
        find: Where the database has a record; None where it has none.
        start: Where the first line is to begin.
        end: Where the last one is to end: the bytes committed of the file.
        note: Called with each line that is as it should be.
    """
    return _Alignment(lines, rows, find, start, end, note or (lambda _: None)).found()


class _Alignment:
    def __init__(
        self,
        lines: Iterator[Line],
        rows: Iterator[ArchivedRevision],
        find: Callable[[str, int], Place | None],
        start: int,
        end: int,
        note: Callable[[Line], None],
    ) -> None:
        self._lines = Ahead(lines)
        self._rows = Ahead(rows)
        self._find = find
        self._note = note
        self._at = start
        """Where the last line judged ends."""
        self._end = end
        self._shift = 0
        """How many bytes further on than in the rows the lines are by now."""
        self._end_is_told = False

    def found(self) -> Iterator[Found]:
        while True:
            line, row = self._lines.peek(), self._rows.peek()
            if line is not None and self._is_past_the_end(line):
                line = None
            if line is None and row is None:
                break
            if line is not None and row is not None and self._fit(line, row):
                self._lines.take()
                self._rows.take()
                yield from self._pair(line, row)
                if line.length != row.place.length:
                    self._shift = self._shift_after(line, row)
            else:
                yield from self._gap()
        end = self._end + self._shift
        if self._at != end and not self._end_is_told:
            short = f"the file ends here, but {self._end} bytes are committed"
            yield self._at, short if self._at < end else f"the record ends past the {self._end} committed bytes"

    def _is_past_the_end(self, line: Line) -> bool:
        return line.offset >= self._end + self._shift

    def _fit(self, line: Line, row: ArchivedRevision) -> bool:
        """Whether a line is a row's: by its name, or, where it is no record, by its place."""
        if line.name is not None:
            return line.name == name_of(row)
        return (line.offset, line.length) == (row.place.offset + self._shift, row.place.length)

    def _pair(self, line: Line, row: ArchivedRevision) -> Iterator[Found]:
        self._at = line.end
        if line.problem:
            yield line.offset, line.problem if line.name else f"{named([row])} cannot be read: {line.problem}"
        elif (line.length, line.text_hash, line.title) != (row.place.length, row.text_hash, row.title):
            what = f"{named([row])} is not as the database remembers it: length, title or text_hash differ"
            yield line.offset, what
        elif row.place.digest is not None and line.digest != row.place.digest:
            yield line.offset, f"{named([row])} is not what was written: a byte of it is another"
        elif None not in (row.keys, line.keys) and line.keys != row.keys:
            yield line.offset, f"the index of texts has other paragraphs of {named([row])} than stand here"
        elif line.offset != row.place.offset + self._shift:
            yield line.offset, f"{named([row])} stands here, but the database has it at byte {row.place.offset}"
        else:
            self._note(line)

    def _shift_after(self, line: Line, row: ArchivedRevision) -> int:
        """After a pair of different lengths. It may be the row's that is wrong: then nothing has been shifted."""
        following, after = self._lines.peek(), self._rows.peek()
        if following is not None and after is not None:
            return following.offset - after.place.offset
        return self._shift + line.length - row.place.length

    # -- where they part -----------------------------------------------------------------------------------------------

    def _gap(self) -> Iterator[Found]:
        lines, rows = self._parted()
        following, after = self._lines.peek(), self._rows.peek()
        shift = following.offset - after.place.offset if following is not None and after is not None else None
        names = {name_of(row) for row in rows}
        while shift is None and lines and self._is_past_the_end(lines[-1]) and lines[-1].name not in names:
            lines.pop()
        pairs = _matches(lines, rows)
        if len(lines) == len(rows) and names == {line.name for line in lines}:
            pairs = []  # all are there: one sentence about their order
        moved = names & {line.name for line in lines}
        first_line = first_row = 0
        for number, at in [*pairs, (len(lines), len(rows))]:
            is_last = at == len(rows)
            yield from self._stretch(
                lines[first_line:number],
                rows[first_row:at],
                shift if is_last else lines[number].offset - rows[at].place.offset,
                moved,
            )
            if not is_last:
                yield from self._pair(lines[number], rows[at])
                self._shift += lines[number].length - rows[at].place.length
            first_line, first_row = number + 1, at + 1

    def _stretch(
        self, lines: Sequence[Line], rows: Sequence[ArchivedRevision], shift: int | None, moved: set[Name]
    ) -> Iterator[Found]:
        """What lies between two pairs, the later of which is shifted by ``shift``: None where the file ends first."""
        if not lines and not rows:
            return
        begin = self._at
        if lines:
            self._at = lines[-1].end
        missing = self._end + self._shift - self._at if shift is None else self._shift - shift
        gap = Gap(begin, tuple(lines), tuple(rows), missing, is_end=shift is None, moved=frozenset(moved))
        yield from gap.found(self._find)
        if shift is None:
            self._end_is_told = True
        else:
            self._shift = shift

    def _parted(self) -> tuple[list[Line], list[ArchivedRevision]]:
        """Takes lines and rows up to the first pair of them that agrees, and is followed by one that does."""
        lines: list[Line] = []
        rows: list[ArchivedRevision] = []
        line_at: dict[Name, int] = {}
        row_at: dict[Name, int] = {}
        while (line := self._lines.take()) is not None or self._rows.peek() is not None:
            pairs: list[tuple[int, int]] = []
            if line is not None:
                lines.append(line)
                if line.name is not None and line.name not in line_at:
                    line_at[line.name] = len(lines) - 1
                    if line.name in row_at:
                        pairs.append((len(lines) - 1, row_at[line.name]))
            if (row := self._rows.take()) is not None:
                rows.append(row)
                row_at[name_of(row)] = len(rows) - 1
                if name_of(row) in line_at:
                    pairs.append((line_at[name_of(row)], len(rows) - 1))
            for number, at in pairs:
                next_line = lines[number + 1] if number + 1 < len(lines) else self._lines.peek()
                next_row = rows[at + 1] if at + 1 < len(rows) else self._rows.peek()
                if _agree(next_line, next_row):
                    self._lines.put_back(lines[number:])
                    self._rows.put_back(rows[at:])
                    return lines[:number], rows[:at]
        return lines, rows


def _agree(line: Line | None, row: ArchivedRevision | None) -> bool:
    """Whether both are the same record, as far as can be seen; or neither is there."""
    if line is None or row is None:
        return line is None and row is None
    return line.name == name_of(row) if line.name is not None else line.length == row.place.length


def _matches(lines: Sequence[Line], rows: Sequence[ArchivedRevision]) -> list[tuple[int, int]]:
    """As many lines with their rows, by number, as are in the same order on both sides: a longest rising sequence."""
    row_at = {name_of(row): at for at, row in enumerate(rows)}
    pairs = [(number, row_at[line.name]) for number, line in enumerate(lines) if line.name in row_at]
    tails: list[int] = []  # the lowest row that a rising sequence of each length can end with
    ends: list[int] = []  # and the pair it ends with
    before: list[int | None] = []
    for position, (_, at) in enumerate(pairs):
        length = bisect_left(tails, at)
        before.append(ends[length - 1] if length else None)
        tails[length : length + 1] = [at]
        ends[length : length + 1] = [position]
    rising: list[tuple[int, int]] = []
    position_or_none = ends[-1] if ends else None
    while position_or_none is not None:
        rising.append(pairs[position_or_none])
        position_or_none = before[position_or_none]
    return rising[::-1]
