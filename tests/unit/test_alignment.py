"""Lines beside rows: whatever is done to a file is found, told once, and nothing is said of what it left alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.model import ArchivedRevision, Place
from storage.verification.alignment import align
from storage.verification.damage import Found
from storage.verification.gap import Line

FILE = "articles/date=2026-11-23/w-0001.jsonl"


def row(name: str, offset: int, length: int) -> ArchivedRevision:
    return ArchivedRevision(
        name, 1, f"hash {name}", f"title {name}", "page", Place(FILE, offset, length, name.encode())
    )


def rows_of(lengths: Sequence[int]) -> list[ArchivedRevision]:
    """Rows called r0, r1 … of records one after another."""
    return [row(f"r{n}", sum(lengths[:n]), length) for n, length in enumerate(lengths)]


def line(name: str | None, length: int) -> Line:
    """A sound line of a record; None: of none."""
    if name is None:
        return Line(0, length, problem="not JSON")
    return Line(0, length, (name, 1), f"hash {name}", f"title {name}", name.encode())


def lines_of(rows: Sequence[ArchivedRevision]) -> list[Line]:
    return [line(row.id, row.place.length) for row in rows]


def found(lines: Sequence[Line], rows: Sequence[ArchivedRevision], committed: int | None = None) -> list[Found]:
    """All that is found, the lines standing one after another."""
    offset, placed = 0, []
    for one in lines:
        placed.append(replace(one, offset=offset))
        offset += one.length
    places = {row.id: row.place for row in rows}
    end = sum(row.place.length for row in rows) if committed is None else committed
    return list(align(iter(placed), iter(rows), lambda id_, _: places.get(id_), start=0, end=end))


ROWS = rows_of([10, 20, 30, 40, 50, 60])
LINES = lines_of(ROWS)


def test_lines_that_are_as_their_rows_say_are_no_damage() -> None:
    assert found(LINES, ROWS) == []
    assert found([], [], 0) == []


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (LINES[:2] + LINES[3:], (30, "30 bytes are missing here: r2 revision 1 is gone")),
        (LINES[:1] + LINES[4:], (10, "90 bytes are missing here: 3 records (r1 revision 1 to r3 revision 1) are gone")),
        (LINES[1:], (0, "10 bytes are missing here: r0 revision 1 is gone")),
        (LINES[:-1], (150, "the file ends here, 60 bytes short: r5 revision 1 is gone")),
        (LINES[:2], (30, "the file ends here, 180 bytes short: 4 records (r2 revision 1 to r5 revision 1) are gone")),
        ([], (0, "the file ends here, 210 bytes short: 6 records (r0 revision 1 to r5 revision 1) are gone")),
        (
            [*LINES[:3], line(None, 4)],
            (
                60,
                "3 records (r3 revision 1 to r5 revision 1) cannot be read: not JSON; the file ends 146 bytes short",
            ),
        ),
        ([LINES[0], LINES[2], LINES[1], *LINES[3:]], (10, "r1 revision 1 and r2 revision 1 have changed places")),
        ([LINES[1], LINES[0], *LINES[2:]], (0, "r0 revision 1 and r1 revision 1 have changed places")),
        ([*LINES[:4], LINES[5], LINES[4]], (100, "r4 revision 1 and r5 revision 1 have changed places")),
        (
            [LINES[0], *LINES[3:0:-1], *LINES[4:]],
            (10, "3 records (r1 revision 1 to r3 revision 1) stand here in another order than the database has them"),
        ),
        (
            [*LINES[:2], LINES[1], *LINES[2:]],
            (30, f"r1 revision 1 stands here, but the database has it in {FILE} at byte 10"),
        ),
        ([*LINES[:2], line("x", 7), *LINES[2:]], (30, "the database does not know x revision 1, which stands here")),
        ([*LINES[:5], line("x", 70), LINES[5]], (150, "the database does not know x revision 1, which stands here")),
        (
            [*LINES[:2], line("x", 7), line("y", 7), *LINES[2:]],
            (
                30,
                "2 lines stand here that the database does not have here; of the first: "
                "the database does not know x revision 1, which stands here",
            ),
        ),
        (
            [*LINES[:2], line(None, 7), *LINES[2:]],
            (30, "the database has nothing here, and this is no record: not JSON"),
        ),
        ([*LINES[:2], line(None, 30), *LINES[3:]], (30, "r2 revision 1 cannot be read: not JSON")),
        (
            [*LINES[:2], line(None, 70), *LINES[4:]],
            (30, "2 records (r2 revision 1 to r3 revision 1) cannot be read: not JSON"),
        ),
        ([*LINES[:2], line(None, 12), line(None, 18), *LINES[3:]], (30, "r2 revision 1 cannot be read: not JSON")),
        (
            [*LINES[:2], line(None, 25), *LINES[3:]],
            (30, "r2 revision 1 cannot be read: not JSON; 5 bytes are missing here"),
        ),
        (
            [*LINES[:2], line(None, 33), *LINES[3:]],
            (30, "r2 revision 1 cannot be read: not JSON; 3 bytes are too many"),
        ),
        (
            [*LINES[:2], line("x", 30), *LINES[3:]],
            (30, "x revision 1 stands here, but the database has r2 revision 1 here"),
        ),
        (
            [*LINES[:2], replace(LINES[2], length=29), *LINES[3:]],
            (30, "r2 revision 1 is not as the database remembers it: length, title or text_hash differ"),
        ),
        (
            [*LINES[:2], replace(LINES[2], digest=b"x"), *LINES[3:]],
            (30, "r2 revision 1 is not what was written: a byte of it is another"),
        ),
        ([*LINES[:2], replace(LINES[2], problem="dangling"), *LINES[3:]], (30, "dangling")),
    ],
)
def test_whatever_is_done_to_a_file_is_told_once(lines: list[Line], expected: Found) -> None:
    assert found(lines, ROWS) == [expected]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([*ROWS[:2], *ROWS[3:]], (30, "the database does not know r2 revision 1, which stands here")),
        (ROWS[:-1], (150, "the database does not know r5 revision 1, which stands here")),
        (
            [*ROWS[:2], row("x", 35, 2), *ROWS[2:]],
            (30, "the database has x revision 1 here, but no record begins here"),
        ),
        (
            [*ROWS[:2], row("r2", 33, 30), *ROWS[3:]],
            (30, "r2 revision 1 stands here, but the database has it at byte 33"),
        ),
        (
            [*ROWS[:2], row("r2", 30, 7), *ROWS[3:]],
            (30, "r2 revision 1 is not as the database remembers it: length, title or text_hash differ"),
        ),
        (
            [row("r1", 0, 20), row("r0", 10, 10), *ROWS[2:]],
            (0, "r1 revision 1 and r0 revision 1 have changed places"),
        ),
    ],
)
def test_what_is_wrong_with_the_rows_shifts_no_line(rows: list[ArchivedRevision], expected: Found) -> None:
    assert found(LINES, rows, 210) == [expected]


def test_an_old_row_without_a_digest_is_not_compared() -> None:
    old = [replace(row, place=replace(row.place, digest=None)) for row in ROWS]
    assert found(LINES, old) == []


def test_lines_past_what_is_committed_are_not_judged() -> None:
    new = [line("new", 9), line(None, 3)]
    assert found([*LINES, *new], ROWS) == []
    assert found([LINES[1], LINES[0], *LINES[2:5], *new], ROWS[:5]) == [
        (0, "r0 revision 1 and r1 revision 1 have changed places")
    ]
    swapped_last = [*LINES[:4], LINES[5], LINES[4]]
    assert found([*swapped_last, *new], ROWS) == [(100, "r4 revision 1 and r5 revision 1 have changed places")]
    assert found([*LINES, LINES[5]], ROWS) == [], "it is told as bytes that nobody committed"


def test_a_file_longer_or_shorter_than_is_committed_is_told_where_it_ends() -> None:
    assert found(LINES, ROWS, 211) == [(210, "the file ends here, but 211 bytes are committed")]
    assert found(LINES, ROWS, 209) == [(210, "the record ends past the 209 committed bytes")]


def test_two_damages_far_apart_are_told_each_by_itself() -> None:
    rows = rows_of(range(100, 400))
    lines = lines_of(rows)
    assert [offset for offset, _ in found([*lines[:50], *lines[51:200], line(None, 5), *lines[200:]], rows)] == [
        rows[50].place.offset,
        rows[200].place.offset - rows[50].place.length,
    ]


def test_a_record_taken_far_away_is_told_where_it_was_and_where_it_is() -> None:
    rows = rows_of(range(100, 400))
    lines = lines_of(rows)
    ((gone_at, gone), (now_at, now)) = found([*lines[:50], *lines[51:200], lines[50], *lines[200:]], rows)
    assert (gone_at, gone) == (rows[50].place.offset, "150 bytes are missing here: r50 revision 1 is gone")
    assert now_at == rows[200].place.offset - 150
    assert now == f"r50 revision 1 stands here, but the database has it in {FILE} at byte {rows[50].place.offset}"


def test_thousands_of_lost_lines_are_one_damage_found_in_a_moment() -> None:
    rows = rows_of([3000] * 20_000)
    lines = lines_of(rows)
    ((offset, what),) = found([*lines[:10], *lines[15_000:]], rows)
    assert offset == 30_000
    assert what.endswith("14990 records (r10 revision 1 to r14999 revision 1) are gone")


# -- whatever is done --------------------------------------------------------------------------------------------------

Edit = Callable[[list[Line], int], None]


def delete(lines: list[Line], at: int) -> None:
    del lines[at]


def double(lines: list[Line], at: int) -> None:
    lines.insert(at, lines[at])


def swap(lines: list[Line], at: int) -> None:
    lines[at - 1], lines[at] = lines[at], lines[at - 1]


def spoil(lines: list[Line], at: int) -> None:
    lines[at] = line(None, lines[at].length)


def join(lines: list[Line], at: int) -> None:
    lines[at - 1 : at + 1] = [line(None, lines[at - 1].length + lines[at].length)]


def cut(lines: list[Line], at: int) -> None:
    lines[at] = line(None, lines[at].length - 1)


def insert(lines: list[Line], at: int) -> None:
    lines.insert(at, line("foreign", 33))


EDITS = (delete, double, swap, spoil, join, cut, insert)


@given(st.lists(st.integers(2, 99), min_size=2, max_size=12), st.sampled_from(EDITS), st.data())
def test_one_edit_is_one_damage_near_where_it_was_made(lengths: list[int], edit: Edit, data: st.DataObject) -> None:
    rows = rows_of(lengths)
    lines = lines_of(rows)
    at = data.draw(st.integers(1, len(lines) - 1))
    edit(lines, at)
    is_past = edit is double and at == len(rows) - 1  # the second of two at the end is past what is committed
    damage = found(lines, rows)
    assert len(damage) == (0 if is_past else 1)
    if not is_past:
        assert damage[0][0] in {rows[at - 1].place.offset, rows[at].place.offset, rows[at].place.offset + lengths[at]}


@given(
    st.lists(st.integers(2, 9), min_size=2, max_size=10),
    st.lists(st.tuples(st.sampled_from(EDITS), st.integers(1, 9)), min_size=1, max_size=4),
)
def test_no_edits_together_escape_and_sound_lines_are_never_doubted(
    lengths: list[int], edits: list[tuple[Edit, int]]
) -> None:
    rows = rows_of(lengths)
    lines = lines_of(rows)
    for edit, at in edits:
        if at < len(lines):
            edit(lines, at)
    damage = found(lines, rows)
    committed = sum(lengths)
    is_as_it_was = [one.name for one in lines[: len(rows)]] == [(row.id, 1) for row in rows]
    assert bool(damage) == (not is_as_it_was)
    assert [offset for offset, _ in damage] == sorted(offset for offset, _ in damage if offset is not None)
    assert all(
        offset is not None and 0 <= offset <= sum(one.length for one in lines) + committed for offset, _ in damage
    )
