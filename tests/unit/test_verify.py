"""Verify: silent over a sound archive, and in plain words about every damage there can be."""

import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from articles import NOON, digest, make_article
from holdings import new_store

from storage import tables
from storage.archive import Archive
from storage.database import Database, open_database
from storage.model import AlsoNear, Entry, FeedState, Near, NewEntry, Outcome, Poll, RawRef, Removal, Resolution
from storage.rebuild import full_text_hash
from storage.records import encode
from storage.verify import Damage, verify

NAMES = ("a", "b", "c")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    """A sound archive in ``tmp_path``: three records, the last of which refers to the first."""
    with closing(new_store(tmp_path)) as database:
        entries = tuple(NewEntry(Entry(name, digest(name), digest(name))) for name in NAMES)
        database.commit_poll(Poll("rfi-fr", NOON, FeedState("rfi-fr", "https://news.test/rss"), entries=entries))
        full = ["c begins.", "a begins."]
        borrowed = (Removal(1, "known", digest("a"), 1, 0, digest(full[1])),)
        third = make_article("c", text=full[0], paragraphs=2, removed=borrowed, text_hash=full_text_hash(full))
        archive = Archive.open(tmp_path, database, NOON)
        resolutions = [Resolution(number, Outcome.ARCHIVED) for number in (1, 2, 3)]
        archive.commit([make_article("a"), make_article("b"), third], resolutions, NOON)
        archive.close()
        yield database


@pytest.fixture
def file(tmp_path: Path, store: Database) -> Path:
    """Its only file."""
    (file,) = tmp_path.glob("articles/**/*.jsonl")
    return file


def found(directory: Path, store: Database) -> list[tuple[str, int | None, str]]:
    """All damage: file name, offset, what."""
    return [(Path(damage.path).name, damage.offset, damage.what) for damage in verify(directory, store, patience=0)]


def offsets(file: Path) -> list[int]:
    """Where the lines begin."""
    lines = file.read_bytes().splitlines(keepends=True)
    return [sum(map(len, lines[:number])) for number in range(len(lines))]


def run(store: Database, statement: Any) -> None:
    """Change the database behind the store's back."""
    with store._writing() as connection:
        connection.execute(statement)


def test_a_sound_archive_has_no_damage(tmp_path: Path, store: Database) -> None:
    assert found(tmp_path, store) == []


def test_verifying_changes_nothing(tmp_path: Path, store: Database, file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"torn")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.jsonl")}
    with closing(open_database(f"sqlite:///{tmp_path / 'veille.db'}", readonly=True)) as looker:
        assert len(found(tmp_path, looker)) == 1
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.jsonl")} == before


def test_every_byte_that_is_changed_in_a_text_is_noticed(tmp_path: Path, store: Database, file: Path) -> None:
    sound = file.read_bytes()
    position = sound.index(b"goes on")
    for changed in (b"Goes on", b'"oes on', b"\x00oes on", b"\xffoes on", b"\noes on"):
        file.write_bytes(sound[:position] + changed + sound[position + len(changed) :])
        damage = found(tmp_path, store)
        assert damage, changed
        assert damage[0][:2] == (file.name, 0)
    file.write_bytes(sound)
    assert found(tmp_path, store) == []


def swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    assert len(old) == len(new)
    return lambda line: line.replace(old, new, 1)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (swap(b"b begins", b"B begins"), "does not rebuild to its text_hash"),
        (swap(b'"feed":"rfi-fr"', b'"fead":"rfi-fr"'), "not a record: 'feed' is missing"),
        (swap(b'"text_source":"page"', b'"text_source":"pane"'), "text_source: expected one of page, feed"),
        (swap(b"veille.article/1", b"veille.article/9"), "a record of format veille.article/9"),
        (swap(b'{"schema"', b'["schema"'), "not JSON"),
        (swap(b'"title":"B"', b'"title":"C"'), "is not as the database remembers it"),
        (swap(b'"at":0', b'"at":7'), "refers to paragraph 7"),
        (lambda line: b"\0" * (len(line) - 1) + b"\n", "not JSON"),
    ],
)
def test_a_damaged_record_is_named_once_by_its_place(
    tmp_path: Path, store: Database, file: Path, change: Callable[[bytes], bytes], complaint: str
) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    lines[1] = change(lines[1])
    file.write_bytes(b"".join(lines))
    ((name, offset, what),) = found(tmp_path, store)
    assert (name, offset) == (file.name, len(lines[0]))
    assert complaint in what
    assert "\n" not in what


def test_a_reference_to_an_article_that_is_not_there_is_damage(tmp_path: Path, store: Database, file: Path) -> None:
    run(store, tables.articles.delete().where(tables.articles.c.id == digest("a")))
    first, _, third = offsets(file)
    assert found(tmp_path, store) == [
        (file.name, first, f"the database does not know {digest('a')} revision 1, which stands here"),
        (file.name, third, f"a removed paragraph refers to {digest('a')} revision 1, which is not archived"),
        ("the database", None, "3 entries are archived, but there are 2 records"),
    ]


def test_a_record_that_stands_twice_is_damage(tmp_path: Path, store: Database, file: Path) -> None:
    end = file.stat().st_size
    with file.open("ab") as stream:
        stream.write(encode(make_article("b")))
    relative = file.relative_to(tmp_path).as_posix()
    store.adopt(relative, file.stat().st_size, [], NOON)
    second = f"{digest('b')} revision 1 stands here, but the database has it in {relative} at byte {offsets(file)[1]}"
    assert found(tmp_path, store) == [(file.name, end, second)]


def test_a_place_where_no_record_begins_is_damage(tmp_path: Path, store: Database, file: Path) -> None:
    place = tables.articles.c.offset
    run(store, tables.articles.update().where(tables.articles.c.id == digest("b")).values(offset=place + 5))
    second = offsets(file)[1]
    what = f"{digest('b')} revision 1 stands here, but the database has it at byte {second + 5}"
    assert found(tmp_path, store) == [(file.name, second, what)]


def test_places_that_were_mixed_up_are_damage(tmp_path: Path, store: Database, file: Path) -> None:
    first, second, third = offsets(file)
    for name, offset in (("a", -1), ("b", first), ("a", second)):
        run(store, tables.articles.update().where(tables.articles.c.id == digest(name)).values(offset=offset))
    damage = found(tmp_path, store)
    what = f"{digest('b')} revision 1 and {digest('a')} revision 1 have changed places"
    assert damage[0] == (file.name, first, what)
    assert [offset for _, offset, _ in damage[1:]] == [third], "it refers to what the database has elsewhere"


def test_a_record_of_another_length_than_is_known_is_damage(tmp_path: Path, store: Database, file: Path) -> None:
    run(store, tables.articles.update().where(tables.articles.c.id == digest("b")).values(length=7))
    ((_, offset, what),) = found(tmp_path, store)
    assert offset == offsets(file)[1]
    assert "not as the database remembers it" in what


def test_a_file_cut_short_is_damage_told_once_with_the_records_it_lost(
    tmp_path: Path, store: Database, file: Path
) -> None:
    committed, cut = file.stat().st_size, offsets(file)[2]
    os.truncate(file, cut)
    what = f"the file ends here, {committed - cut} bytes short: {digest('c')} revision 1 is gone"
    assert found(tmp_path, store) == [(file.name, cut, what)]


def test_a_file_cut_within_a_record_is_damage(tmp_path: Path, store: Database, file: Path) -> None:
    os.truncate(file, file.stat().st_size - 9)
    ((name, offset, what),) = found(tmp_path, store)
    assert (name, offset) == (file.name, offsets(file)[2])
    assert what.startswith(f"{digest('c')} revision 1 cannot be read: not JSON: ")
    assert what.endswith("; the file ends 9 bytes short")


def test_the_line_feed_of_the_last_record_is_missed(tmp_path: Path, store: Database, file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)
    ((_, offset, what),) = found(tmp_path, store)
    assert offset == offsets(file)[2]
    assert "not as the database remembers it" in what


def test_a_missing_file_is_damage(tmp_path: Path, store: Database, file: Path) -> None:
    size = file.stat().st_size
    file.unlink()
    assert found(tmp_path, store) == [(file.name, None, f"the file is missing, of which {size} bytes are committed")]


def test_bytes_that_nobody_committed_are_damage(tmp_path: Path, store: Database, file: Path) -> None:
    size = file.stat().st_size
    with file.open("ab") as stream:
        stream.write(b"four")
    (file.parent / "stray-0001.jsonl").write_bytes(encode(make_article("stray")))
    stray = len(encode(make_article("stray")))
    assert sorted(found(tmp_path, store), key=lambda damage: damage[0] != file.name) == [
        (file.name, size, "4 bytes are not committed: the next start takes them in or aside"),
        ("stray-0001.jsonl", 0, f"{stray} bytes are not committed: the next start takes them in or aside"),
    ]
    Archive.open(tmp_path, store, NOON).close()
    assert found(tmp_path, store) == []


def test_what_a_running_service_commits_meanwhile_is_no_damage(tmp_path: Path, store: Database, file: Path) -> None:
    archive = Archive.open(tmp_path, store, NOON)
    with file.open("r+b") as stream:
        stream.write(b"[")  # damage to stop at, in the middle of the file's turn
    damages = verify(tmp_path, store, patience=0)
    assert next(damages).offset == 0
    archive.commit([make_article("d")], [], NOON)
    run(store, sa.text("UPDATE entries SET outcome = 'archived'"))
    archive.close()
    (other,) = [damage for damage in damages if damage.path != "the database"]
    assert other.what.startswith(f"a removed paragraph refers to {digest('a')} revision 1: "), "and nothing else"


def test_a_byte_outside_the_text_is_noticed_too(tmp_path: Path, store: Database, file: Path) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], lines[1].replace(b'"Ann"', b'"Anm"'), lines[2]]))
    what = f"{digest('b')} revision 1 is not what was written: a byte of it is another"
    assert found(tmp_path, store) == [(file.name, len(lines[0]), what)]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"near": (Near(1, digest("none"), 1, 0),)}, "near to one of {none} revision 1, which is not archived"),
        ({"near": (Near(1, digest("a"), 1, 3),)}, "near to paragraph 3 of {a} revision 1: there is no such paragraph"),
        ({"near": (Near(3, digest("a"), 1, 0),)}, "paragraph 3 is near to"),
        ({"near": (Near(1, digest("d"), 1, 3),)}, "near to paragraph 3 of {d} revision 1: there is no such paragraph"),
        ({"also_near": (AlsoNear(digest("a"), 2, 0.9),)}, "it is near to {a} revision 2, which is not archived"),
        ({"raw": RawRef("raw/x.warc.gz", None, "sha256:0")}, "its raw copy is named in part only"),
        ({"raw": RawRef("raw/x.warc.gz", 0, "sha256:0")}, "its raw copy is not there: raw/x.warc.gz is missing"),
        ({"raw": RawRef("raw/../veille.db", 0, "sha256:0")}, "where none is kept"),
    ],
)
def test_a_record_that_refers_to_what_is_not_there_is_damage(
    tmp_path: Path, store: Database, file: Path, changes: dict[str, Any], complaint: str
) -> None:
    end = file.stat().st_size
    archive = Archive.open(tmp_path, store, NOON)
    archive.commit([make_article("d", **changes)], [], NOON)
    archive.close()
    damage = [one for one in found(tmp_path, store) if one[0] != "the database"]
    ((_, offset, what),) = damage
    assert offset == end
    assert complaint.format(none=digest("none"), a=digest("a"), d=digest("d")) in what


def test_references_to_what_is_there_are_no_damage(tmp_path: Path, store: Database, file: Path) -> None:
    near = (Near(1, digest("a"), 1, 2), Near(1, digest("d"), 1, 0))
    archive = Archive.open(tmp_path, store, NOON)
    archive.commit([make_article("d", near=near, also_near=(AlsoNear(digest("a"), 1, 0.9),))], [], NOON)
    archive.close()
    assert [one for one in found(tmp_path, store) if one[0] != "the database"] == []


def test_an_entry_archived_without_a_record_is_damage(tmp_path: Path, store: Database) -> None:
    state = FeedState("dw", "u")
    store.commit_poll(Poll("dw", NOON, state, entries=(NewEntry(Entry("k", "i", "c"), outcome=Outcome.ARCHIVED),)))
    what = "4 entries are archived, but there are 3 records"
    assert list(verify(tmp_path, store, patience=0)) == [Damage("the database", None, what)]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_archive(tmp_path: Path, store: Database) -> None:
    def peak() -> int:
        tracemalloc.start()
        assert [damage for damage in verify(tmp_path, store, patience=0) if damage.path != "the database"] == []
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    archive = Archive.open(tmp_path, store, NOON)
    archive.commit([make_article(f"n{n}") for n in range(1200)], [], NOON)
    peak()  # whatever is loaded and cached once
    small = peak()
    archive.commit([make_article(f"n{n}") for n in range(1200, 3600)], [], NOON)
    archive.close()
    assert peak() < 1.2 * small
