"""Repair mends what can be mended without loss, and leaves the rest; rebuild learns all from the files again."""

import gzip
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from articles import NOON, digest, make_article
from holdings import NAMES, listed, make_holdings

from storage import tables
from storage.archive import Archive
from storage.database import Database, open_database
from storage.errors import CorruptArchiveError, SchemaError
from storage.model import FeedState, NewEntry, Outcome, Poll
from storage.records import encode
from storage.repair import open_mended, rebuild, repair
from storage.segments import records
from storage.verification.damage import Damage
from storage.verify import verify

KINDS = {
    "sealed records": "articles/date=2026-11-22/*.jsonl.gz",
    "open records": "articles/date=2026-11-23/*.jsonl",
    "sealed raw copies": "raw/date=2026-11-22/*.warc.gz",
    "open raw copies": "raw/date=2026-11-23/*.warc.gz",
    "the manifest": "manifest.jsonl",
}
DERIVED = ("articles", "article_urls", "files", "sealed_files", "payloads")


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound archive, repaired once so that nothing is left to do; to be copied."""
    directory = tmp_path_factory.mktemp("pattern")
    with closing(open_database(f"sqlite:///{directory / 'veille.db'}")) as database:
        make_holdings(directory, database)
        assert list(repair(directory, database, NOON)) == []
    return directory


@pytest.fixture
def data(tmp_path: Path, pattern: Path) -> Path:
    """A copy of it, its files as old as they were."""
    return shutil.copytree(pattern, tmp_path / "data")


def file_of(data: Path, kind: str) -> Path:
    (file,) = data.glob(KINDS[kind])
    return file


def contents(data: Path) -> dict[str, bytes]:
    """All files but the database."""
    files = [path for path in data.rglob("*") if path.is_file() and not path.name.startswith("veille.")]
    return {path.relative_to(data).as_posix(): path.read_bytes() for path in files}


def database(data: Path) -> Database:
    return open_database(f"sqlite:///{data / 'veille.db'}")


def rows(store: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All that the database holds."""
    with store._reading() as connection:
        return {
            name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
            for name, table in tables.metadata.tables.items()
        }


def change(data: Path, *statements: str) -> None:
    """Change the database behind the store's back."""
    with closing(sqlite3.connect(data / "veille.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def run(data: Path, mend: Callable[..., Iterator[str]]) -> tuple[list[str], list[Damage]]:
    """What was done, and what is damaged after it."""
    store, done = open_mended(f"sqlite:///{data / 'veille.db'}")
    with closing(store):
        done += mend(data, store, NOON)
        return done, list(verify(data, store, patience=0))


# -- repair ------------------------------------------------------------------------------------------------------------


def test_a_sound_archive_is_left_as_it_is(data: Path) -> None:
    with closing(database(data)) as store:
        before = rows(store)
    files = contents(data)
    assert run(data, repair) == ([], [])
    assert contents(data) == files
    with closing(database(data)) as store:
        assert rows(store) == before


@pytest.mark.parametrize("kind", ["open records", "open raw copies"])
def test_a_torn_tail_is_set_aside(data: Path, kind: str) -> None:
    file = file_of(data, kind)
    sound = file.read_bytes()
    file.write_bytes(sound + sound[:50])
    done, damage = run(data, repair)
    (aside,) = data.rglob("*.torn")
    assert done == [f"what was no whole record was set aside in {aside.relative_to(data)}"]
    assert damage == []
    assert (file.read_bytes(), aside.read_bytes()) == (sound, sound[:50])


def test_raw_copies_cut_short_are_not_learnt_anew_as_if_that_were_all(data: Path) -> None:
    file = file_of(data, "open raw copies")
    with closing(database(data)) as store:
        before = store.committed_files()
    with file.open("r+b") as cut_short:
        cut_short.truncate(file.stat().st_size - 20)  # in the last record, which nothing refers to
    done, damage = run(data, repair)
    assert done == []
    assert [one.path for one in damage] == [file.relative_to(data).as_posix()]
    with closing(database(data)) as store:
        assert store.committed_files() == before


def test_what_sealing_left_half_done_is_finished(data: Path) -> None:
    packed = file_of(data, "sealed records")
    files = contents(data)
    packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.with_name("x-0001.gz.tmp").write_bytes(b"half")
    assert run(data, repair) == ([], [])
    assert contents(data) == files


def cut(data: bytes) -> bytes:
    return data[:-20]


def garble(data: bytes) -> bytes:
    return data[:9] + b"\xff" + data[10:]


def lie(data: bytes) -> bytes:
    return data.replace(b'"records":5', b'"records":6')


@pytest.mark.parametrize("spoil", [cut, garble, lie, lambda _: b"", lambda data: data + data, lambda data: data[::-1]])
def test_the_manifest_is_made_anew_by_rows_and_files(data: Path, spoil: Callable[[bytes], bytes]) -> None:
    manifest = data / "manifest.jsonl"
    sound = manifest.read_bytes()
    manifest.write_bytes(spoil(sound))
    done, damage = run(data, repair)
    assert damage == []
    assert any("manifest.jsonl" in what for what in done)
    assert sorted(manifest.read_bytes().splitlines()) == sorted(sound.splitlines())
    kept = b"".join(path.read_bytes() for path in data.glob("manifest*"))
    assert all(line in kept for line in spoil(sound).splitlines() if b'"records":6' not in line), (
        "nothing is thrown away"
    )
    assert run(data, repair) == ([], [])


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM sealed_files",
        "UPDATE sealed_files SET sha256 = 'x', bytes = 7",
        "UPDATE sealed_files SET records = 7",
    ],
)
def test_rows_about_sealed_files_are_made_anew_by_manifest_and_files(data: Path, statement: str) -> None:
    with closing(database(data)) as store:
        before = store.sealed_files()
    change(data, statement)
    done, damage = run(data, repair)
    assert damage == []
    assert f"the database knows again what {file_of(data, 'sealed raw copies').relative_to(data)} was sealed as" in done
    with closing(database(data)) as store:
        assert store.sealed_files() == before


def test_a_lost_database_is_made_anew(data: Path) -> None:
    for path in data.glob("veille.db*"):
        path.unlink()
    done, damage = run(data, repair)
    assert damage == []
    assert "taken in, for the database had not known them: 10 records" in done
    assert "taken in, for the database had not known them: 32 WARC records" in done
    with closing(database(data)) as store:
        assert {known.title for name in NAMES for known in store.revisions(digest(name))} == {*"ABCDEFGHIJ"}
        assert store.unbalanced(1) == {}
        assert len(store.sealed_files()) == 2
    assert run(data, repair) == ([], [])


@pytest.mark.parametrize("where", ["in a table", "at its head"])
def test_a_damaged_database_is_set_aside_and_one_made_anew(data: Path, where: str) -> None:
    with closing(sqlite3.connect(data / "veille.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'articles'").fetchone()
    with (data / "veille.db").open("r+b") as stream:
        stream.seek(0 if where == "at its head" else (page - 1) * 4096)
        stream.write(b"\xff" * 4096)
    damaged = (data / "veille.db").read_bytes()
    done, damage = run(data, repair)
    assert done[0] == (
        "the database was damaged, and is set aside as veille.torn: a new one begins, with schedules of its own"
    )
    assert damage == []
    assert (data / "veille.torn").read_bytes() == damaged
    with closing(database(data)) as store:
        assert store.balance() == (10, 10)


def test_a_database_of_a_newer_program_is_never_set_aside(data: Path) -> None:
    change(data, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaError, match="9999"):
        run(data, repair)
    assert not list(data.glob("*.torn"))


def test_lost_indexes_are_made_anew(data: Path) -> None:
    change(data, "DROP INDEX payloads_by_place", "DROP INDEX entries_by_article")
    assert run(data, repair) == (
        [
            "the index entries_by_article is missing: made anew",
            "the index payloads_by_place is missing: made anew",
        ],
        [],
    )


@pytest.mark.parametrize("lost", [*DERIVED, "entries", "articles where id < '8'", "payloads where at > 0"])
def test_lost_rows_about_the_files_come_back(data: Path, lost: str) -> None:
    with closing(database(data)) as store:
        before = rows(store)
    change(data, f"DELETE FROM {lost}")
    done, damage = run(data, repair)
    assert damage == []
    assert done
    with closing(database(data)) as store:
        after = rows(store)
    assert {name: after[name] for name in DERIVED} == {name: before[name] for name in DERIVED}
    if lost != "entries":
        assert after["entries"] == before["entries"]


def test_a_lost_table_comes_back(data: Path) -> None:
    change(data, "DROP TABLE payloads", "DROP TABLE article_urls")
    done, damage = run(data, repair)
    assert damage == []
    assert done[:2] == ["the table article_urls is missing: made anew", "the table payloads is missing: made anew"]
    with closing(database(data)) as store:
        assert store.find_urls(["https://news.test/a"]) == {"https://news.test/a": digest("a")}


def test_an_entry_that_lost_what_the_feed_gave_is_told_and_then_given_up(data: Path) -> None:
    with closing(database(data)) as store:
        state = FeedState("rfi-fr", "https://news.test/rss")
        store.commit_poll(Poll("rfi-fr", NOON, state, entries=(NewEntry(listed("new")), NewEntry(listed("newer")))))
    change(data, "DELETE FROM waiting WHERE number = (SELECT max(number) FROM entries)")
    with closing(database(data)) as store:
        lost = "what the feeds gave of 1 pending entry is lost: no turn of theirs will come"
        assert list(verify(data, store, patience=0)) == [Damage("the database", None, lost)]
    done, damage = run(data, repair)
    given_up = "failed, for what the feeds gave is lost: 1 pending entry; what the feeds still list is fetched again"
    assert (done, damage) == ([given_up], [])


def test_whole_records_in_another_order_are_learnt_where_they_stand(data: Path) -> None:
    file = file_of(data, "open records")
    first, second, *rest = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([second, first, *rest]))
    assert run(data, repair) == (["the database has learnt 10 records from the files again"], [])
    with closing(database(data)) as store:
        assert [known.place.offset for known in store.revisions(digest("f"))] == [len(second)]


def test_schema_and_card_are_written_anew(data: Path) -> None:
    sound = contents(data)
    (data / "README.md").unlink()
    (data / "schema.json").write_bytes(sound["schema.json"].replace(b"Headline.", b"Head."))
    assert run(data, repair) == (["README.md was written anew", "schema.json was written anew"], [])
    assert contents(data) == sound


# -- what cannot be mended ---------------------------------------------------------------------------------------------


def flip(file: Path) -> None:
    content = file.read_bytes()
    at = len(content) // 2
    file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])


def delete_a_line(file: Path) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:1] + lines[2:]))


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 700)


LOSSES: list[tuple[str, Callable[[Path], object]]] = [
    *((kind, Path.unlink) for kind in list(KINDS)[:4]),
    *((kind, flip) for kind in list(KINDS)[:4]),
    *((kind, truncate) for kind in list(KINDS)[:4]),
    ("open records", delete_a_line),
]


@pytest.mark.parametrize(("kind", "lose"), LOSSES)
def test_what_is_lost_stays_told_and_nothing_of_it_is_forgotten(
    data: Path, kind: str, lose: Callable[[Path], object]
) -> None:
    lose(file_of(data, kind))
    with closing(database(data)) as store:
        before, damage = rows(store), list(verify(data, store, patience=0))
    files = contents(data)
    assert len(damage) == 1
    done, left = run(data, repair)
    assert left == damage
    assert contents(data) == files
    with closing(database(data)) as store:
        after = rows(store)
    assert done in ([], ["the database has learnt 10 records from the files again"])
    assert after == before


def test_one_damage_keeps_nothing_else_from_being_mended(data: Path) -> None:
    file_of(data, "sealed records").unlink()
    with file_of(data, "open records").open("ab") as stream:
        stream.write(b"torn")
    with file_of(data, "open raw copies").open("ab") as stream:
        stream.write(b"\x1f\x8b")
    manifest = data / "manifest.jsonl"
    first, second = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(first)
    done, damage = run(data, repair)
    assert len(done) == 3
    assert [one.what for one in damage] == ["the sealed file is missing, and 5 records with it"]
    assert manifest.read_bytes() == first + second


# -- rebuild -----------------------------------------------------------------------------------------------------------


def test_rebuilding_a_sound_archive_changes_nothing_however_often(data: Path) -> None:
    with closing(database(data)) as store:
        before = rows(store)
    files = contents(data)
    for _ in range(2):
        assert run(data, rebuild) == (["the database has learnt 10 records from the files again"], [])
        with closing(database(data)) as store:
            assert rows(store) == before
    assert contents(data) == files


@pytest.mark.parametrize(("kind", "lose"), [loss for loss in LOSSES if loss[1] is not flip])
def test_after_a_loss_is_accepted_the_archive_is_sound_again(
    data: Path, kind: str, lose: Callable[[Path], object]
) -> None:
    lose(file_of(data, kind))
    done, damage = run(data, rebuild)
    is_of_records = kind.endswith("records")
    refer = [one for one in damage if "its raw copy is not there" in one.what]
    rest = [one for one in damage if one not in refer]
    assert bool(refer) == (not is_of_records), "lines say where their page was: nobody rewrites them"
    is_still_sealed = kind.startswith("sealed") and lose is truncate
    assert bool(rest) == is_still_sealed, "a sealed file stays what it was sealed as"
    again, _ = run(data, rebuild)
    assert len(again) == 1
    with closing(database(data)) as store:
        assert store.unbalanced(1) == {}
        lost = 10 - store.balance()[1]
        assert bool(lost) == is_of_records
        if lost:
            records = f"{lost} record{'' if lost == 1 else 's'}"
            assert f"forgotten, for no file holds them any more: {records}" in done
            assert store.ledger()["rfi-fr"].counts == {Outcome.ARCHIVED: 10 - lost, Outcome.FAILED: lost}
        start(data, store, refused=is_still_sealed)


@pytest.mark.parametrize("kind", list(KINDS)[:4])
def test_what_is_damaged_but_there_stays_told_after_a_rebuild(data: Path, kind: str) -> None:
    flip(file_of(data, kind))
    _, first = run(data, rebuild)
    done, damage = run(data, rebuild)
    assert damage == first
    assert {one.path for one in damage} >= {file_of(data, kind).relative_to(data).as_posix()}
    assert len(done) == 1
    with closing(database(data)) as store:
        assert store.unbalanced(1) == {}
        start(data, store, refused=kind.startswith("sealed"))


def start(data: Path, store: Database, *, refused: bool) -> None:
    """Open the archive as the service does."""
    with pytest.raises(CorruptArchiveError) if refused else nullcontext():
        Archive.open(data, store, NOON).close()


def test_a_sealed_file_exchanged_for_another_is_told_however_often_it_is_read(data: Path) -> None:
    file = file_of(data, "sealed records")
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    file.write_bytes(gzip.compress(b"".join(lines[1:])))
    for mend in (repair, rebuild, rebuild):
        _, damage = run(data, mend)
        assert file.relative_to(data).as_posix() in [one.path for one in damage]
    assert b'"records":5' in (data / "manifest.jsonl").read_bytes()


def test_of_two_writers_of_one_day_the_one_who_archived_first_is_learnt_first(data: Path) -> None:
    file = file_of(data, "open records")
    for path in data.glob("veille.db*"):
        path.unlink()
    file.rename(file.with_name("zzzzzz-0001.jsonl"))
    url = "https://news.test/shared"
    later = make_article("later", archived=NOON + timedelta(hours=1), canonical_url=url)
    sooner = make_article("sooner", archived=NOON - timedelta(hours=1), canonical_url=url)
    for name, article in (("aaaaaa", later), ("bbbbbb", sooner)):
        file.with_name(f"{name}-0001.jsonl").write_bytes(encode(article))
    _, damage = run(data, rebuild)
    assert damage == []
    with closing(database(data)) as store:
        assert store.find_urls([url]) == {url: digest("sooner")}


def test_a_file_that_comes_back_is_known_again_with_the_entries_it_had(data: Path) -> None:
    with closing(database(data)) as store:
        before = rows(store)
    file = file_of(data, "sealed records")
    elsewhere = file.rename(data.parent / "elsewhere")
    run(data, rebuild)
    elsewhere.rename(file)
    _, damage = run(data, rebuild)
    assert damage == []
    with closing(database(data)) as store:
        after = rows(store)
        assert store.ledger()["rfi-fr"].counts == {Outcome.ARCHIVED: 10}
    assert {name: after[name] for name in DERIVED} == {name: before[name] for name in DERIVED}


KILLED = """
import os, signal, sys
from pathlib import Path
from articles import NOON
from storage import repair
from storage.database import open_database

directory, last = Path(sys.argv[1]), int(sys.argv[2])
contents = repair.contents

def dying(*args):
    for number, content in enumerate(contents(*args)):
        if number == last:
            os.kill(os.getpid(), signal.SIGKILL)
        yield content

repair.contents = dying
for _ in repair.rebuild(directory, open_database(f"sqlite:///{directory / 'veille.db'}"), NOON):
    pass
"""


@pytest.mark.parametrize("last", [0, 1, 4])
def test_whoever_is_killed_in_the_middle_of_a_rebuild_has_lost_and_doubled_nothing(data: Path, last: int) -> None:
    with closing(database(data)) as store:
        before = rows(store)
    script = [sys.executable, "-c", KILLED, str(data), str(last)]
    killed = subprocess.run(script, cwd=Path(__file__).resolve().parents[1], check=False)
    assert killed.returncode == -signal.SIGKILL
    with closing(database(data)) as store:
        Archive.open(data, store, NOON).close()
        assert rows(store) == before
        assert list(verify(data, store, patience=0)) == []
    assert len([*records(data)]) == 10
