"""Appending, committing, recovering: a record is there once and whole, or not at all."""

import errno
import gzip
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from articles import NOON, digest, make_article

from storage import segments
from storage.archive import Archive
from storage.database import Database, open_database
from storage.errors import CorruptArchiveError, LockedError, SchemaError, StorageError
from storage.lock import DirectoryLock
from storage.model import Entry, FeedState, NewEntry, Outcome, Place, Poll, Resolution
from storage.records import encode

DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    """A store that has seen a feed: it was not made anew beside an archive that lost its own."""
    with closing(open_database(f"sqlite:///{tmp_path / 'veille.db'}")) as database:
        entry = Entry("k", digest("story"), digest("c"), guid="guid of story", url="https://news.test/story")
        state = FeedState("rfi-fr", "https://news.test/rss")
        database.commit_poll(Poll("rfi-fr", NOON, state, entries=(NewEntry(entry),)))
        yield database


@pytest.fixture
def opened(tmp_path: Path, store: Database) -> Iterator[Callable[..., Archive]]:
    """Opens the archive in ``tmp_path``; what a process that was killed left open is closed at the end."""
    archives = []

    def open_(store: Any = store, now: datetime = NOON, **options: Any) -> Archive:
        archives.append(Archive.open(tmp_path, store, now, **options))
        return archives[-1]

    yield open_
    for archive in archives:
        archive.close()


def stories(directory: Path) -> list[tuple[str, int]]:
    """Title and revision of every record on disk."""
    return [(str(article.title), article.revision) for _, article in segments.records(directory)]


def only_file(directory: Path) -> Path:
    (file,) = directory.glob("articles/**/*.jsonl")
    return file


# -- appending ---------------------------------------------------------------------------------------------------------


def test_a_batch_is_appended_and_committed_with_its_outcomes(
    tmp_path: Path, store: Database, opened: Callable[..., Archive]
) -> None:
    archive = opened()
    assert not (tmp_path / "articles").exists(), "opening writes nothing"
    articles = [make_article("story"), make_article("other", title="Ünï")]
    archive.commit(articles, [Resolution(1, Outcome.ARCHIVED)], NOON)
    file = only_file(tmp_path)
    assert file == tmp_path / f"articles/date=2026-11-23/{store.writer()}-0001.jsonl"
    assert file.read_bytes() == b"".join(map(encode, articles))
    assert store.committed_files() == {str(file.relative_to(tmp_path)): file.stat().st_size}
    assert store.ledger()["rfi-fr"].counts == {Outcome.ARCHIVED: 1}
    for article in articles:
        assert archive.read(store.latest([article.id])[article.id].place) == article
    assert [article for _, article in archive.records()] == articles
    assert store.revisions(digest("other"))[0].place == [place for place, _ in archive.records()][1]


def test_batches_follow_one_another_in_one_file_across_restarts(
    tmp_path: Path, store: Database, opened: Callable[..., Archive]
) -> None:
    for revision in (1, 2, 3):
        archive = opened()
        archive.commit([make_article(revision=revision)], [], NOON)
        archive.close()
    assert stories(tmp_path) == [("Story", 1), ("Story", 2), ("Story", 3)]
    assert len(only_file(tmp_path).read_bytes()) == store.committed_offset(
        str(only_file(tmp_path).relative_to(tmp_path))
    )


def test_a_new_day_begins_a_new_file_in_utc(tmp_path: Path, store: Database, opened: Callable[..., Archive]) -> None:
    archive = opened()
    late = NOON.replace(hour=23, minute=59)
    archive.commit([make_article(revision=1)], [], late)
    archive.commit([make_article(revision=2)], [], late + timedelta(minutes=1))
    name = f"{store.writer()}-0001.jsonl"
    assert segments.segments(tmp_path) == [f"articles/date=2026-11-23/{name}", f"articles/date=2026-11-24/{name}"]


def test_a_file_that_is_long_enough_is_followed_by_the_next_number(
    tmp_path: Path, store: Database, opened: Callable[..., Archive]
) -> None:
    enough = len(encode(make_article())) + 1
    archive = opened(segment_bytes=enough)
    for revision in (1, 2, 3):
        archive.commit([make_article(revision=revision)], [], NOON)
    again = opened(segment_bytes=enough)
    for revision in (4, 5):
        again.commit([make_article(revision=revision)], [], NOON)
    numbers = [file[-10:] for file in segments.segments(tmp_path)]
    assert numbers == ["0001.jsonl", "0002.jsonl", "0003.jsonl"]
    assert [revision for _, revision in stories(tmp_path)] == [1, 2, 3, 4, 5]


def test_a_sealed_file_is_never_written_again(tmp_path: Path, store: Database, opened: Callable[..., Archive]) -> None:
    day = tmp_path / "articles/date=2026-11-23"
    day.mkdir(parents=True)
    (day / f"{store.writer()}-0007.jsonl.gz").write_bytes(gzip.compress(encode(make_article("sealed"))))
    opened().commit([make_article()], [], NOON)
    assert (day / f"{store.writer()}-0008.jsonl").exists()
    assert stories(tmp_path) == [("Sealed", 1), ("Story", 1)]


def test_two_writers_share_a_day_without_sharing_a_file(tmp_path: Path, opened: Callable[..., Archive]) -> None:
    opened().commit([make_article()], [], NOON)
    with closing(open_database(f"sqlite:///{tmp_path / 'other.db'}")) as other:
        other.commit_poll(Poll("dw", NOON, FeedState("dw", "u")))
        opened(other).commit([make_article("second")], [], NOON)
    assert len(segments.segments(tmp_path)) == 2


def test_everything_is_durable_in_the_right_order_before_it_is_acknowledged(
    tmp_path: Path, store: Database, opened: Callable[..., Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    names: dict[int, str] = {}

    def spy(owner: Any, name: str, note: Callable[..., str | None]) -> None:
        real = getattr(owner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            result = real(*args, **kwargs)
            if step := note(result, *args):
                steps.append(step)
            return result

        monkeypatch.setattr(owner, name, call)

    def opens(descriptor: int, path: Any, *_: Any) -> str | None:
        names[descriptor] = Path(path).name
        return f"open {Path(path).name}" if str(path).endswith(".jsonl") else None

    archive, writer = opened(), store.writer()
    spy(os, "open", opens)
    spy(os, "write", lambda _, descriptor, *__: f"write {names[descriptor]}")
    spy(os, "fsync", lambda _, descriptor: f"sync {names[descriptor]}")
    spy(os, "fdatasync", lambda _, descriptor: f"sync {names[descriptor]}")
    spy(store, "commit_articles", lambda *_: "commit")
    archive.commit([make_article()], [], NOON)
    archive.commit([make_article(revision=2)], [], NOON)
    file = f"{writer}-0001.jsonl"
    folders = [f"sync {name}" for name in ("date=2026-11-23", "articles", tmp_path.name)]
    batch = [f"write {file}", f"sync {file}", "commit"]
    assert steps == [f"open {file}", *folders, *batch, *batch]


def test_a_short_write_goes_on_where_it_stopped(
    tmp_path: Path, opened: Callable[..., Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:100]))
    opened().commit([make_article(), make_article("other")], [], NOON)
    assert stories(tmp_path) == [("Story", 1), ("Other", 1)]


# -- what can fail -----------------------------------------------------------------------------------------------------


def test_a_write_that_fails_halfway_is_taken_back_and_the_archive_goes_on(
    tmp_path: Path, store: Database, opened: Callable[..., Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = opened()
    archive.commit([make_article()], [], NOON)
    before = only_file(tmp_path).read_bytes()
    real = os.write

    def full_disk(descriptor: int, data: memoryview) -> int:
        if len(data) < 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data[:-500])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full_disk)
        with pytest.raises(StorageError, match=r"jsonl cannot be written: .*No space left on device"):
            archive.commit([make_article(revision=2)], [Resolution(1, Outcome.ARCHIVED)], NOON)
    assert only_file(tmp_path).read_bytes() == before
    assert store.ledger()["rfi-fr"].counts == {Outcome.PENDING: 1}
    archive.commit([make_article(revision=2)], [Resolution(1, Outcome.ARCHIVED)], NOON)
    assert stories(tmp_path) == [("Story", 1), ("Story", 2)]


DISK_FULL = """
import resource, sys
from pathlib import Path
from storage.archive import Archive
from storage.database import open_database
from storage.errors import StorageError
from articles import NOON, make_article

directory = Path(sys.argv[1])
store = open_database(f"sqlite:///{directory / 'veille.db'}")
archive = Archive.open(directory, store, NOON)
archive.commit([make_article()], [], NOON)
(file,) = directory.glob("articles/**/*.jsonl")
size = file.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 500, resource.RLIM_INFINITY))
try:
    archive.commit([make_article(revision=2)], [], NOON)
except StorageError as error:
    print(error)
assert file.stat().st_size == size, "the half-written record is still there"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
archive.commit([make_article(revision=2)], [], NOON)
"""


def test_a_file_the_kernel_lets_grow_no_further_stays_whole(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[1]  # where the scripts find what tests share
    run = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(tmp_path)], cwd=root, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "File too large" in run.stdout
    assert stories(tmp_path) == [("Story", 1), ("Story", 2)]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_after_a_failed_sync_nothing_is_committed_until_the_archive_is_opened_again(
    tmp_path: Path, store: Database, opened: Callable[..., Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = opened()
    syncs = []

    def fail(descriptor: int) -> None:
        syncs.append(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(StorageError, match="cannot be synced"):
            archive.commit([make_article()], [Resolution(1, Outcome.ARCHIVED)], NOON)
        with pytest.raises(StorageError, match="opened again"):
            archive.commit([make_article()], [], NOON)
    with pytest.raises(StorageError, match="opened again"):
        archive.commit([make_article()], [], NOON)
    assert len(syncs) == 1, "a second sync may succeed although the first lost the data"
    assert store.committed_files() == {}
    again = opened()
    assert again.recovery.adopted == 1
    assert store.ledger()["rfi-fr"].counts == {Outcome.ARCHIVED: 1}


class DyingStore:
    """The store of a process that dies, or loses its database, between the append and the commit."""

    def __init__(self, store: Database, error: BaseException) -> None:
        self._store = store
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit_articles(self, *_: object) -> None:
        raise self._error


@pytest.mark.parametrize("error", [StorageError("the database is full"), KeyboardInterrupt()])
def test_records_appended_but_not_committed_are_adopted_at_the_next_start(
    tmp_path: Path, store: Database, opened: Callable[..., Archive], error: BaseException
) -> None:
    articles = [make_article(), make_article("other")]
    dying = opened(DyingStore(store, error))
    with pytest.raises(type(error)):
        dying.commit(articles, [Resolution(1, Outcome.ARCHIVED)], NOON)
    with pytest.raises(StorageError, match="opened again"):
        dying.commit([make_article("third")], [], NOON)
    assert store.committed_files() == {}
    assert opened().recovery.adopted == 2
    assert store.committed_files() == {
        str(only_file(tmp_path).relative_to(tmp_path)): only_file(tmp_path).stat().st_size
    }
    assert store.ledger()["rfi-fr"].counts == {Outcome.ARCHIVED: 2}
    assert store.balance() == (2, 2)
    third = opened()
    assert (third.recovery.adopted, third.recovery.torn) == (0, ())
    third.commit([make_article(revision=2)], [], NOON)
    assert stories(tmp_path) == [("Story", 1), ("Other", 1), ("Story", 2)]


def test_another_hand_in_the_file_is_noticed_before_anything_is_appended(
    tmp_path: Path, opened: Callable[..., Archive]
) -> None:
    archive = opened()
    archive.commit([make_article()], [], NOON)
    file = only_file(tmp_path)
    with file.open("ab") as other:
        other.write(b"x")
    with pytest.raises(CorruptArchiveError, match="bytes long, of which"):
        archive.commit([make_article(revision=2)], [], NOON)
    file.unlink()
    with pytest.raises(CorruptArchiveError, match="was removed"):
        archive.commit([make_article(revision=2)], [], NOON)


def test_a_directory_that_cannot_be_written_is_a_storage_error(tmp_path: Path, opened: Callable[..., Archive]) -> None:
    (tmp_path / "articles").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot be opened for writing"):
        opened().commit([make_article()], [], NOON)


# -- recovery ----------------------------------------------------------------------------------------------------------


def torn_archive(tmp_path: Path, opened: Callable[..., Archive], tail: bytes) -> Path:
    """One committed record, with ``tail`` after it."""
    opened().commit([make_article()], [], NOON)
    file = only_file(tmp_path)
    with file.open("ab") as stream:
        stream.write(tail)
    return file


def test_a_torn_last_line_is_set_aside_and_whole_ones_before_it_are_adopted(
    tmp_path: Path, store: Database, opened: Callable[..., Archive]
) -> None:
    half = encode(make_article("half"))[:-1]  # even all but its line feed: nobody knows that no byte follows
    file = torn_archive(tmp_path, opened, encode(make_article("whole")) + half)
    recovery = opened().recovery
    assert recovery.adopted == 1
    assert stories(tmp_path) == [("Story", 1), ("Whole", 1)]
    (aside,) = recovery.torn
    assert (tmp_path / aside).read_bytes() == half
    assert (tmp_path / aside) == file.with_suffix(".torn")
    assert store.committed_files() == {str(file.relative_to(tmp_path)): file.stat().st_size}


def test_what_was_set_aside_before_is_kept(tmp_path: Path, opened: Callable[..., Archive]) -> None:
    file = torn_archive(tmp_path, opened, b"one")
    opened()
    for torn in (b"two", b"three"):
        with file.open("ab") as stream:
            stream.write(torn)
        opened()
    kept = {path.name[len("......-") :]: path.read_bytes() for path in file.parent.glob("*.torn")}
    assert kept == {"0001.torn": b"one", "0001.2.torn": b"two", "0001.3.torn": b"three"}
    assert stories(tmp_path) == [("Story", 1)]


def test_after_recovery_the_archive_goes_on_in_the_same_file(tmp_path: Path, opened: Callable[..., Archive]) -> None:
    torn_archive(tmp_path, opened, b'{"schema":"veil')
    opened().commit([make_article(revision=2)], [], NOON)
    assert stories(tmp_path) == [("Story", 1), ("Story", 2)]


def test_a_hole_in_what_was_never_committed_is_set_aside_with_what_follows(
    tmp_path: Path, opened: Callable[..., Archive]
) -> None:
    lost = b"\0" * 512 + b"\n" + encode(make_article("after"))
    torn_archive(tmp_path, opened, encode(make_article("before")) + lost)
    recovery = opened().recovery
    assert recovery.adopted == 1
    assert (tmp_path / recovery.torn[0]).read_bytes() == lost
    assert stories(tmp_path) == [("Story", 1), ("Before", 1)]


def test_what_is_adopted_is_on_the_disk_before_it_is_committed(
    tmp_path: Path, store: Database, opened: Callable[..., Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    torn_archive(tmp_path, opened, encode(make_article("whole")))
    steps = []
    fsync, adopt = os.fsync, store.adopt
    monkeypatch.setattr(os, "fsync", lambda descriptor: (steps.append("sync"), fsync(descriptor))[1])
    monkeypatch.setattr(store, "adopt", lambda *args: (steps.append("adopt"), adopt(*args))[1])
    opened()
    assert steps == ["sync"] * 4 + ["adopt"], "the file and the folders above it"


@pytest.mark.parametrize("length", [0, 100])
def test_a_file_shorter_than_what_is_committed_is_refused(
    tmp_path: Path, opened: Callable[..., Archive], length: int
) -> None:
    file = torn_archive(tmp_path, opened, b"")
    os.truncate(file, length)
    with pytest.raises(CorruptArchiveError, match=f"{file.name} is {length} bytes long, of which"):
        opened()
    assert file.stat().st_size == length


def test_a_file_that_is_gone_is_refused(tmp_path: Path, opened: Callable[..., Archive]) -> None:
    file = torn_archive(tmp_path, opened, b"")
    file.unlink()
    with pytest.raises(CorruptArchiveError, match=f"{file.name} is missing"):
        opened()


def test_a_record_of_a_newer_format_is_never_set_aside(tmp_path: Path, opened: Callable[..., Archive]) -> None:
    newer = b'{"schema": "veille.article/2"}\n'
    file = torn_archive(tmp_path, opened, newer)
    with pytest.raises(SchemaError, match=r"veille\.article/2"):
        opened()
    assert file.read_bytes().endswith(newer)


def lose_database(directory: Path) -> Database:
    for path in directory.glob("veille.db*"):
        path.unlink()
    return open_database(f"sqlite:///{directory / 'veille.db'}")


def test_without_its_database_an_archive_is_known_again_from_its_files(
    tmp_path: Path, store: Database, opened: Callable[..., Archive]
) -> None:
    archive = opened()
    archive.commit([make_article(), make_article("other")], [], NOON)
    archive.commit([make_article(revision=2)], [], NOON + DAY)
    places = [place for place, _ in archive.records()]
    archive.close()
    store.close()
    with closing(lose_database(tmp_path)) as new:
        again = opened(new)
        assert again.recovery.adopted == 3
        assert [again.read(known.place).revision for known in new.revisions(digest("story"))] == [1, 2]
        assert new.latest([digest("other")])[digest("other")].place == places[1]
        assert new.balance() == (3, 3)
        again.commit([make_article(revision=3)], [], NOON)
        assert len(segments.segments(tmp_path)) == 3, "a new database writes under a new name"


def test_without_its_database_a_damaged_archive_is_refused_however_often_it_is_opened(
    tmp_path: Path, store: Database, opened: Callable[..., Archive]
) -> None:
    many = b"".join(encode(make_article(revision=revision)) for revision in range(2, 600))  # more than one transaction
    file = torn_archive(tmp_path, opened, many + b"damage\n" + encode(make_article("precious")))
    store.close()
    with closing(lose_database(tmp_path)) as new:
        for _ in range(2):
            with pytest.raises(CorruptArchiveError, match=f"{file.name}, byte .*not JSON"):
                opened(new)
    assert not list(file.parent.glob("*.torn"))


def test_without_its_database_only_an_unfinished_last_line_is_set_aside(
    tmp_path: Path, store: Database, opened: Callable[..., Archive]
) -> None:
    torn_archive(tmp_path, opened, b'{"schema":"veil')
    store.close()
    with closing(lose_database(tmp_path)) as new:
        recovery = opened(new).recovery
    assert (recovery.adopted, len(recovery.torn)) == (1, 1)


KILLED = """
import itertools, sys
from pathlib import Path
from storage.archive import Archive
from storage.database import open_database
from articles import NOON, make_article

directory = Path(sys.argv[1])
store = open_database(f"sqlite:///{directory / 'veille.db'}")
archive = Archive.open(directory, store, NOON)
first = 1 + sum(1 for _ in archive.records())
for number in itertools.count(first, 3):
    archive.commit([make_article(f"n{n}") for n in range(number, number + 3)], [], NOON)
    print(number + 2, flush=True)
"""


def test_a_process_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[1]  # where the scripts find what tests share
    acknowledged = 0
    for batches in (1, 4, 2):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)], cwd=root, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(batches):
                acknowledged = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
    with closing(open_database(f"sqlite:///{tmp_path / 'veille.db'}")) as store:
        Archive.open(tmp_path, store, NOON).close()
        titles = [title for title, _ in stories(tmp_path)]
        assert titles == [f"N{n}" for n in range(1, len(titles) + 1)]
        assert len(titles) >= acknowledged >= 3 * (1 + 4 + 2)
        assert store.balance()[1] == len(titles)


# -- reading -----------------------------------------------------------------------------------------------------------


def test_sealed_files_read_like_plain_ones(tmp_path: Path, opened: Callable[..., Archive]) -> None:
    folder = tmp_path / "articles/date=2026-11-20"
    folder.mkdir(parents=True)
    lines = [encode(make_article(name)) for name in "abc"]
    (folder / "w-0001.jsonl.gz").write_bytes(gzip.compress(lines[0] + lines[1]) + gzip.compress(lines[2]))
    archive = opened()
    found = list(archive.records())
    assert [article.title for _, article in found] == ["A", "B", "C"]
    assert [archive.read(place) for place, _ in found] == [article for _, article in found]


@pytest.mark.parametrize(
    ("place", "complaint"),
    [
        (Place("articles/none.jsonl", 0, 10), "none.jsonl is missing"),
        (Place("articles/torn.jsonl.gz", 0, 10), "torn.jsonl.gz is damaged"),
        (Place("articles/plain.jsonl.gz", 0, 10), "plain.jsonl.gz is damaged"),
        (Place("articles/good.jsonl", 0, 10**6), "byte 0: the file ends before the record does"),
        (Place("articles/good.jsonl", 3, 50), "byte 3: not JSON"),
    ],
)
def test_a_place_without_its_record_is_told_with_file_and_offset(tmp_path: Path, place: Place, complaint: str) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "good.jsonl").write_bytes(encode(make_article()))
    (folder / "plain.jsonl.gz").write_bytes(encode(make_article()))
    (folder / "torn.jsonl.gz").write_bytes(gzip.compress(encode(make_article()))[:40])
    with pytest.raises(CorruptArchiveError) as caught:
        segments.read(tmp_path, place)
    assert complaint in str(caught.value)


def test_records_are_read_one_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "w-0001.jsonl").write_bytes(encode(make_article()) + b"damage\n")
    records = segments.records(tmp_path)
    assert next(records)[1] == make_article()
    with pytest.raises(CorruptArchiveError, match=r"w-0001\.jsonl, byte \d+: not JSON"):
        next(records)


# -- the lock ----------------------------------------------------------------------------------------------------------


HOLDER = """
import os, sys, time
from pathlib import Path
from storage.lock import DirectoryLock

lock = DirectoryLock(Path(sys.argv[1]))
lock.acquire()
child = os.fork() if sys.argv[2] == "fork" else 1
os.write(1, b"%d\\n" % child)  # one write: lines of two processes must not mix
if child == 0:
    os.close(1)
time.sleep(60)
"""


@contextmanager
def hold(directory: Path, how: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the directory."""
    command = [sys.executable, "-c", HOLDER, str(directory), how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_directory_is_held_by_one_process_and_let_go_when_it_dies(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "data"
    with hold(directory, "alone") as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(LockedError, match=rf"{directory} is held by process {holder.pid}$"):
            DirectoryLock(directory).acquire()
        holder.kill()
        holder.wait()
        with DirectoryLock(directory):
            assert (directory / "veille.lock").read_text() == f"{os.getpid()}\n"
    assert (directory / "veille.lock").exists()


def test_a_worker_that_outlives_its_parent_does_not_keep_the_directory(tmp_path: Path) -> None:
    with hold(tmp_path, "fork") as holder:
        assert holder.stdout is not None
        child = max(int(holder.stdout.readline()), int(holder.stdout.readline()))
        try:
            holder.kill()
            holder.wait()
            os.kill(child, 0)
            with DirectoryLock(tmp_path):
                pass
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_lock_let_go_can_be_taken_again(tmp_path: Path) -> None:
    first, second = DirectoryLock(tmp_path), DirectoryLock(tmp_path)
    for lock, other in ((first, second), (second, first)):
        lock.acquire()
        with pytest.raises(LockedError):
            other.acquire()
        lock.release()
        lock.release()


@pytest.mark.parametrize(("where", "why"), [("file", "is a file: name another"), ("file/data", "cannot be written: ")])
def test_a_directory_that_cannot_be_made_is_a_storage_error(tmp_path: Path, where: str, why: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        DirectoryLock(tmp_path / where).acquire()
    assert str(caught.value).startswith(f"the data directory {tmp_path / where} {why}")
    assert not isinstance(caught.value, LockedError)


# -- what another hand has done ----------------------------------------------------------------------------------------


def test_a_file_in_which_a_line_was_put_among_the_committed_ones_is_refused(
    tmp_path: Path, opened: Callable[..., Archive]
) -> None:
    opened().commit([make_article("story"), make_article("other")], [], NOON)
    file = only_file(tmp_path)
    first, second = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + b"hello\n" + second)
    with pytest.raises(CorruptArchiveError, match="no line ends at byte"):
        opened()
    assert file.read_bytes() == first + b"hello\n" + second


@pytest.mark.parametrize("copy", [False, True], ids=["in its own file", "in a copy"])
def test_a_record_that_stands_there_a_second_time_is_refused(
    tmp_path: Path, opened: Callable[..., Archive], copy: bool
) -> None:
    opened().commit([make_article("story")], [], NOON)
    file = only_file(tmp_path)
    line = file.read_bytes()
    (file.with_name("copy.jsonl") if copy else file).write_bytes(line if copy else line * 2)
    with pytest.raises(CorruptArchiveError, match=r"stands in .* already; take this one away"):
        opened()


def test_a_file_nothing_was_ever_written_to_goes_at_the_next_start(
    tmp_path: Path, store: Database, opened: Callable[..., Archive]
) -> None:
    opened().commit([make_article("story")], [], NOON)
    empty = only_file(tmp_path).with_name(f"{store.writer()}-0002.jsonl")
    empty.touch()
    opened()
    assert not empty.exists()


def test_what_a_young_database_left_unfinished_is_set_aside_not_taken_for_a_loss(tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path / 'young.db'}")) as young:
        day = tmp_path / "articles/date=2026-11-23"
        day.mkdir(parents=True)
        (day / f"{young.writer()}-0001.jsonl").write_bytes(b"\0" * 512)
        (day / "another-0001.jsonl").write_bytes(encode(make_article("found")))
        with closing(Archive.open(tmp_path, young, NOON)) as archive:
            assert archive.recovery.adopted == 1
            assert len(archive.recovery.torn) == 1
