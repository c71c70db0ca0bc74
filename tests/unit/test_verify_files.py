"""Verify over an archive with a file of each kind: whatever is done to any of them is found, and said once."""

import gzip
import os
import random
import shutil
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from articles import NOON, digest, make_article
from holdings import capture, make_holdings

from storage import tables
from storage.archive import Archive
from storage.database import Database, open_database
from storage.raw import RawCopies
from storage.records import encode
from storage.verification.damage import Damage
from storage.verification.raw import RawWalk
from storage.verify import verify
from storage.warc import records


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound archive, to be copied."""
    directory = tmp_path_factory.mktemp("pattern")
    with closing(open_database(f"sqlite:///{directory / 'veille.db'}")) as database:
        make_holdings(directory, database)
    return directory


@pytest.fixture
def data(tmp_path: Path, pattern: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(pattern, tmp_path / "data")


@pytest.fixture
def store(data: Path) -> Iterator[Database]:
    with closing(open_database(f"sqlite:///{data / 'veille.db'}")) as database:
        yield database


KINDS = {
    "sealed records": "articles/date=2026-11-22/*.jsonl.gz",
    "open records": "articles/date=2026-11-23/*.jsonl",
    "sealed raw copies": "raw/date=2026-11-22/*.warc.gz",
    "open raw copies": "raw/date=2026-11-23/*.warc.gz",
    "the manifest": "manifest.jsonl",
}


def file_of(data: Path, kind: str) -> Path:
    (file,) = data.glob(KINDS[kind])
    return file


def found(data: Path, store: Database) -> list[Damage]:
    return list(verify(data, store, patience=0))


def name(data: Path, file: Path) -> str:
    return file.relative_to(data).as_posix()


def test_a_sound_archive_with_a_file_of_each_kind_has_no_damage(data: Path, store: Database) -> None:
    assert all(file_of(data, kind).stat().st_size for kind in KINDS)
    assert len(store.sealed_files()) == 2
    assert found(data, store) == []


# -- a byte ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_anywhere_is_one_damage_of_its_file(data: Path, store: Database, kind: str) -> None:
    file = file_of(data, kind)
    sound = file.read_bytes()
    chance = random.Random(kind)
    for _ in range(50):
        at, bit = chance.randrange(len(sound)), 1 << chance.randrange(8)
        file.write_bytes(sound[:at] + bytes([sound[at] ^ bit]) + sound[at + 1 :])
        damage = found(data, store)
        if kind == "open raw copies" and not damage:
            assert contents(file) == sound_contents(sound), f"byte {at}, bit {bit}: other content went unnoticed"
            continue
        assert [one.path for one in damage] == [name(data, file)], f"byte {at}, bit {bit}: {damage}"
        assert (damage[0].offset is None) == ("SHA-256" in damage[0].what)
        assert "\n" not in damage[0].what
    file.write_bytes(sound)
    assert found(data, store) == []


def contents(file: Path) -> bytes:
    return gzip.decompress(file.read_bytes())


def sound_contents(data: bytes) -> bytes:
    return gzip.decompress(data)


def test_of_an_open_warc_file_only_what_gzip_does_not_use_can_change_unnoticed(data: Path, store: Database) -> None:
    """Of a member's header: its time, its flag for text, what made it and how (RFC 1952 §2.3); and bits that only pad.

    A sealed file's SHA-256 covers them too; an open one has none yet, and no reader's answer depends on them.
    """
    file = file_of(data, "open raw copies")
    sound = file.read_bytes()
    first = next(records(data, name(data, file)))
    unnoticed = set()
    for at in (*range(10), *range(first.length - 9, first.length)):
        for bit in range(8):
            file.write_bytes(sound[:at] + bytes([sound[at] ^ 1 << bit]) + sound[at + 1 :])
            if not list(RawWalk(data, store, name(data, file), len(sound)).found()):
                unnoticed.add((at, bit))
    free = {(3, 0), *((at, bit) for at in (4, 5, 6, 7, 8, 9) for bit in range(8))}
    assert unnoticed >= free
    assert {at for at, _ in unnoticed - free} <= {first.length - 9}, "the last byte before the checksum"


# -- a file ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_file_is_told_once(data: Path, store: Database, kind: str) -> None:
    file = file_of(data, kind)
    file.unlink()
    (damage,) = found(data, store)
    assert (damage.path, damage.offset) == (name(data, file), None)
    if kind == "the manifest":
        first = name(data, file_of(data, "sealed records"))
        assert damage.what == f"the lines of 2 files, {first} the first, are missing"
    else:
        assert "is missing" in damage.what


@pytest.mark.parametrize("kept", [0, 0.4, 0.999])
@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_file_is_told_once(data: Path, store: Database, kind: str, kept: float) -> None:
    file = file_of(data, kind)
    os.truncate(file, int(file.stat().st_size * kept))
    (damage,) = found(data, store)
    assert damage.path == name(data, file)


@pytest.mark.parametrize("kind", ["sealed records", "sealed raw copies"])
def test_bytes_added_to_a_sealed_file_are_damage(data: Path, store: Database, kind: str) -> None:
    file = file_of(data, kind)
    size = file.stat().st_size
    with file.open("ab") as stream:
        stream.write(b"more")
    (damage,) = found(data, store)
    assert damage == Damage(name(data, file), None, f"it is {size + 4} bytes long, but was sealed with {size}")


@pytest.mark.parametrize("kind", ["open records", "open raw copies"])
def test_bytes_added_to_an_open_file_are_not_committed(data: Path, store: Database, kind: str) -> None:
    file = file_of(data, kind)
    size = file.stat().st_size
    with file.open("ab") as stream:
        stream.write(b"more")
    what = "4 bytes are not committed: the next start takes them in or aside"
    assert found(data, store) == [Damage(name(data, file), size, what)]


def pack(lines: list[bytes]) -> bytes:
    return zlib.compress(b"".join(lines), 6, 31)


@pytest.mark.parametrize(
    ("foreign", "content", "complaint"),
    [
        ("articles/date=2026-11-23/x-0001.jsonl", encode(make_article("x")), "are not committed"),
        ("articles/date=2026-11-23/x-0001.jsonl.gz", pack([encode(make_article("x"))]), "does not know it"),
        ("raw/date=2026-11-23/x-0001.warc.gz", b"\x1f\x8b", "are not committed"),
    ],
)
def test_a_foreign_file_is_damage(data: Path, store: Database, foreign: str, content: bytes, complaint: str) -> None:
    (data / foreign).write_bytes(content)
    (damage,) = found(data, store)
    assert damage.path == foreign
    assert complaint in damage.what


def test_what_sealing_left_half_done_is_told(data: Path, store: Database) -> None:
    packed = file_of(data, "sealed records")
    packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    (damage,) = found(data, store)
    assert damage.path == name(data, packed.with_suffix(""))
    assert damage.what.endswith("is there too: the next start finishes sealing it")


# -- lines of records --------------------------------------------------------------------------------------------------

Edit = Callable[[list[bytes]], object]
LINES: dict[str, tuple[Edit, str]] = {
    "deleted": (lambda lines: lines.pop(1), "is gone"),
    "swapped": (lambda lines: lines.insert(1, lines.pop(2)), "have changed places"),
    "doubled": (lambda lines: lines.insert(1, lines[1]), "stands here, but the database has it"),
    "foreign": (lambda lines: lines.insert(1, encode(make_article("x"))), "the database does not know"),
}


@pytest.mark.parametrize("edit", LINES)
def test_an_open_file_with_other_lines_is_told_once(data: Path, store: Database, edit: str) -> None:
    file = file_of(data, "open records")
    lines = file.read_bytes().splitlines(keepends=True)
    first = len(lines[0])
    doing, complaint = LINES[edit]
    doing(lines)
    file.write_bytes(b"".join(lines))
    (damage, *rest) = found(data, store)
    assert damage.path == name(data, file)
    assert damage.offset in {first, first + len(lines[1])}
    assert complaint in damage.what
    assert [one.what for one in rest] in (
        [],
        [f"{len(lines[1])} bytes are not committed: the next start takes them in or aside"],
    )


@pytest.mark.parametrize("edit", LINES)
def test_a_sealed_file_with_other_lines_is_found_whatever_else_was_made_to_fit(
    data: Path, store: Database, edit: str
) -> None:
    file = file_of(data, "sealed records")
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    LINES[edit][0](lines)
    file.write_bytes(pack(lines))
    damage = found(data, store)
    assert {one.path for one in damage} == {name(data, file)}
    assert len(damage) <= 2, "what became of the lines, and that the file is another"


# -- rows --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"sha256": "0" * 64}, "its SHA-256 is "),
        ({"bytes": 7}, "cannot be read"),
        ({"records": 7}, "it has 5 records"),
        ({"last_id": "x"}, "but was sealed with 5, "),
    ],
)
def test_a_row_about_a_sealed_file_that_is_another_is_found(
    data: Path, store: Database, values: dict[str, object], complaint: str
) -> None:
    file = name(data, file_of(data, "sealed records"))
    with store._writing() as connection:
        connection.execute(tables.sealed_files.update().where(tables.sealed_files.c.path == file).values(values))
    in_file, in_manifest = found(data, store)
    assert in_file.path == file
    assert complaint in in_file.what
    assert in_manifest.path == "manifest.jsonl"
    assert in_manifest.what.startswith(f"the line of {file} is not as the database has it: {next(iter(values))} ")


def test_a_sealed_file_whose_row_is_lost_is_told_once_and_its_lines_are_read_all_the_same(
    data: Path, store: Database
) -> None:
    with store._writing() as connection:
        connection.execute(tables.sealed_files.delete())
    file, raw = (file_of(data, kind) for kind in ("sealed records", "sealed raw copies"))
    what = "it has {}, which the database does not know as sealed"
    assert [one.what for one in found(data, store)] == [what.format(name(data, file))], "the other will be sealed again"
    raw.write_bytes(raw.read_bytes() + b"x")
    assert what.format(name(data, raw)) in [one.what for one in found(data, store)]
    file.write_bytes(file.read_bytes()[:-4])
    damage = found(data, store)[0]
    assert damage.path == name(data, file)
    assert damage.what.startswith(f"{name(data, file)} is damaged: ")


def test_bodies_the_database_does_not_know_or_has_elsewhere_are_found(data: Path, store: Database) -> None:
    file = name(data, file_of(data, "open raw copies"))
    known = store.payloads_in(file, 0, 10)
    moved, lost = known[1], known[3]
    with store._writing() as connection:
        of = tables.payloads.c.digest
        connection.execute(tables.payloads.update().where(of == moved.digest).values(offset=moved.offset + 1))
        connection.execute(tables.payloads.delete().where(of == lost.digest))
    damage = [(one.offset, one.what) for one in found(data, store)]
    assert (lost.offset, f"the database does not know the raw copy of {lost.url}, which stands here") in damage
    assert all(moved.offset <= (offset or 0) for offset, _ in damage)


def test_a_body_taken_out_of_a_raw_file_is_told_once(data: Path, store: Database) -> None:
    file = file_of(data, "open raw copies")
    content = file.read_bytes()
    walked = list(records(data, name(data, file)))
    for number, record in enumerate(walked):
        if record.type not in {"response", "request"}:
            continue
        file.write_bytes(content[: record.offset] + content[record.offset + record.length :])
        (damage,) = found(data, store)
        is_last = number + 2 >= len(walked)
        assert f"{record.length} bytes " in damage.what or is_last
        assert ("gone" in damage.what) == (record.type == "response")


def test_a_raw_record_of_which_half_is_lost_does_not_hide_the_others(data: Path, store: Database) -> None:
    file = file_of(data, "open raw copies")
    content = file.read_bytes()
    responses = [record for record in records(data, name(data, file)) if record.type == "response"]
    first, second = responses[1], responses[3]
    cut = content[: first.offset + 20] + content[first.offset + 90 :]
    file.write_bytes(cut[: second.offset - 70 + 60] + b"\0\0\0\0" + cut[second.offset - 70 + 64 :])
    damage = found(data, store)
    assert [one.offset for one in damage] == [first.offset, second.offset - 70]
    assert all(
        f"the raw copy of {record.url} is lost" in one.what for one, record in zip(damage, (first, second), strict=True)
    )


def test_a_body_exchanged_for_another_does_not_fit_its_digest(data: Path, store: Database) -> None:
    file = file_of(data, "open raw copies")
    content = file.read_bytes()
    record = [one for one in records(data, name(data, file)) if one.type == "response"][-1]
    member = zlib.decompress(content[record.offset : record.offset + record.length], 31)
    forged = zlib.compress(member.replace(b"<p>j</p>", b"<p>x</p>"), 3, 31)
    file.write_bytes(content[: record.offset] + forged + content[record.offset + record.length :])
    what = f"the response record of {record.url} is not what its digest says"
    assert (record.offset, what) in [(one.offset, one.what) for one in found(data, store)]


def test_counts_are_compared_article_by_article(data: Path, store: Database) -> None:
    entries = tables.entries
    with store._writing() as connection:
        connection.execute(entries.update().where(entries.c.key == "a").values(article_id=digest("b")))
    (damage,) = found(data, store)
    assert damage.path == "the database"
    assert damage.what in {
        f"{digest('a')} has 0 archived entries, but 1 record",
        f"{digest('b')} has 2 archived entries, but 1 record",
    }


# -- what stands beside them -------------------------------------------------------------------------------------------


def test_a_lost_card_and_a_schema_that_changed_are_told(data: Path, store: Database) -> None:
    (data / "README.md").unlink()
    schema = data / "schema.json"
    schema.write_bytes(schema.read_bytes().replace(b"Headline.", b"headline."))
    changed = "it is not as it was written, or of another version of the program"
    assert found(data, store) == [
        Damage("README.md", None, "it is missing: the next start writes it anew"),
        Damage("schema.json", None, f"{changed}: the next start writes it anew"),
    ]


def test_what_somebody_else_calls_a_card_is_no_damage(data: Path, store: Database) -> None:
    (data / "README.md").write_text("# My archive\n")
    assert found(data, store) == []


# -- the database itself -----------------------------------------------------------------------------------------------


def test_a_lost_index_and_a_lost_table_are_told(data: Path, store: Database) -> None:
    with store._writing() as connection:
        connection.exec_driver_sql("DROP INDEX payloads_by_place")
        connection.exec_driver_sql("DROP TABLE gaps")
    assert found(data, store) == [
        Damage("the database", None, "the table gaps is missing"),
        Damage("the database", None, "the index payloads_by_place is missing"),
    ]


def test_a_damaged_database_is_told_and_no_more_is_asked_of_it(data: Path, store: Database) -> None:
    store.close()
    with closing(sqlite3.connect(data / "veille.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'articles'").fetchone()
    with (data / "veille.db").open("r+b") as stream:
        stream.seek((page - 1) * 4096)
        stream.write(b"\xff" * 4096)
    damage = found(data, store)
    assert damage
    assert {one.path for one in damage} == {"the database"}


# -- beside a running service ------------------------------------------------------------------------------------------


def test_what_a_service_writes_and_seals_meanwhile_is_no_damage(data: Path, store: Database) -> None:
    """Between any two things that verify finds out, the service archives, keeps raw copies, or seals."""
    archive = Archive.open(data, store, NOON)
    raw = RawCopies(data, store, software="veille/test")
    file = file_of(data, "open records")
    with file.open("r+b") as stream:
        stream.write(b"[")  # something to stop at
    with closing(open_database(f"sqlite:///{data / 'veille.db'}", readonly=True)) as looker:
        damages = verify(data, looker)
        assert next(damages).offset == 0
        with store._writing() as connection:
            connection.execute(tables.entries.delete().where(tables.entries.c.key == "a"))
        (kept,) = raw.keep([capture("new")], NOON)
        archive.commit([make_article("new", raw=kept)], [], NOON)
        with store._writing() as connection:
            connection.execute(tables.entries.update().where(tables.entries.c.key == "b").values(article_id="x"))
        assert [damage.path for damage in damages] == ["the database"], "which was told to differ"
    raw.close()
    archive.close()


def test_a_batch_being_committed_is_waited_for(data: Path, store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    file = file_of(data, "open records")
    line = encode(make_article("new"))
    with file.open("ab") as stream:
        stream.write(line)
    pauses = []

    def commit(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            store.adopt(name(data, file), file.stat().st_size, [], NOON)

    monkeypatch.setattr("time.sleep", commit)
    assert [damage.path for damage in verify(data, store)] == []
    assert len(pauses) == 2


def test_a_sealing_that_took_long_and_has_only_now_renamed_its_file_is_waited_for(
    data: Path, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = file_of(data, "sealed records")
    plain = packed.with_suffix("")
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    for path in (packed, plain, data / "manifest.jsonl"):
        os.utime(path, (0, 0))
    monkeypatch.setattr("time.sleep", lambda _: plain.unlink(missing_ok=True))
    assert list(verify(data, store)) == []


def test_what_is_not_committed_for_long_is_told_at_once(
    data: Path, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = file_of(data, "open records")
    with file.open("ab") as stream:
        stream.write(b"torn")
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 60)
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("waited"))
    assert len(list(verify(data, store))) == 1
