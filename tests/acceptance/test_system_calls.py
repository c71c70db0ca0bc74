"""What the command asks of the kernel, in which order: a line is durable before the database knows of it, and so on."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, pairwise
from pathlib import Path

import pytest
from command import last_words, messages, veille
from faults.scribe import settings
from faults.sequel import complete
from faults.trace import Call, traced, why_not

from service.newsroom import Newsroom
from storage.appending import day_folder
from storage.database import open_database
from storage.model import Article, Place
from storage.segments import ARTICLES, records
from storage.warc import RAW

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


SYNC = ("fdatasync", "fsync")


class Trace:
    """The calls of a command, looked through in their order."""

    def __init__(self, calls: list[Call]) -> None:
        self._calls = calls

    def first(self, name: str, path: Path, text: str = "", *, after: Call | None = None) -> Call:
        """The first call of this name on a file whose arguments hold ``text``, begun when ``after`` had ended."""
        names, start = SYNC if name == "sync" else (name,), after.ended if after else -1
        return next(
            call
            for call in self._calls
            if call.name in names and call.path == path and call.began > start and text in call.text
        )

    def of_byte(self, path: Path, offset: int) -> Call:
        """The call that wrote a file's byte ``offset``; the file is new."""
        end = 0
        for call in self._calls:
            if call.name == "write" and call.path == path:
                end += call.result
                if end > offset:
                    return call
        raise AssertionError(f"byte {offset} of {path} was not written")


def misplaced(*calls: Call) -> list[str]:
    """Which of these calls had not ended when the next one began."""
    return [
        f"{earlier.name} of {earlier.path.name} comes too late for {later.name} of {later.path.name}"
        for earlier, later in pairwise(calls)
        if earlier.ended >= later.began
    ]


@dataclass(frozen=True)
class Traced:
    """A crawl and the sealing of what it archived, as the kernel saw them."""

    data: Path
    archived: list[tuple[Place, Article]]
    crawl: list[Call]
    seal: list[Call]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    directory = tmp_path_factory.mktemp("once")
    with Newsroom(sites=2, stories=3) as room:
        (directory / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        crawled, crawl = traced(directory, "crawl", "--all")
    assert crawled.returncode == 0, crawled.stderr
    archived = list(records(directory / "data"))
    assert len(archived) == 6
    sealed, seal = traced(directory, "seal")
    assert sealed.returncode == 0, sealed.stderr
    return Traced(directory / "data", archived, crawl, seal)


def test_a_raw_copy_is_durable_before_its_record_is_written_and_the_record_before_the_database_knows_of_it(
    once: Traced,
) -> None:
    data, archived, trace = once.data, once.archived, Trace(once.crawl)
    wal = data / "veille.db-wal"
    for place, article in archived:
        assert article.raw.file is not None
        assert article.raw.offset is not None
        copied = trace.of_byte(data / article.raw.file, article.raw.offset)
        copy_synced = trace.first("sync", data / article.raw.file, after=copied)
        copy_known = trace.first("pwrite64", wal, str(article.raw.digest))
        copy_committed = trace.first("sync", wal, after=copy_known)
        # a text's hash stands in the record, and in the database nowhere but in the record's row
        written = trace.first("write", data / place.file, article.text_hash)
        synced = trace.first("sync", data / place.file, after=written)
        known = trace.first("pwrite64", wal, article.text_hash)
        committed = trace.first("sync", wal, after=known)
        assert misplaced(copied, copy_synced, copy_known, copy_committed, written, synced, known, committed) == []
    for file in (archived[0][0].file, str(archived[0][1].raw.file)):
        last = trace.first("write", data / file)
        for folder in (data / file).parents[:3]:  # the day's, its kind's, the data directory
            assert any(call.name == "fsync" and call.path == folder and call.ended < last.began for call in once.crawl)


def test_a_sealed_file_is_durable_under_its_name_before_the_manifest_names_it_and_the_plain_one_goes_last(
    once: Traced,
) -> None:
    data, trace, plain = once.data, Trace(once.seal), once.data / once.archived[0][0].file
    wal, manifest = data / "veille.db-wal", data / "manifest.jsonl"
    lines = [json.loads(line) for line in manifest.read_bytes().splitlines()]
    assert [Path(line["path"]).suffixes for line in lines] == [[".jsonl", ".gz"], [".warc", ".gz"]]
    draft, packed = plain.with_suffix(".gz.tmp"), plain.with_suffix(".jsonl.gz")
    drafted = trace.first("write", draft)
    draft_synced = trace.first("sync", draft, after=drafted)
    renamed = trace.first("rename", packed)
    name_durable = trace.first("sync", plain.parent, after=renamed)
    gone = trace.first("unlink", plain)
    for line in lines:
        # "path" comes first and "sha256" later; the database's row has the digest too
        listed = next(call for call in once.seal if call.path == manifest and line["sha256"] in call.text)
        list_synced = trace.first("sync", manifest, after=listed)
        known = trace.first("pwrite64", wal, line["sha256"])
        committed = trace.first("sync", wal, after=known)
        assert misplaced(listed, list_synced, known, committed) == []
        if line["path"].startswith("articles/"):
            folder_durable = trace.first("fsync", data, after=listed)  # for a new manifest; SQLite's is fdatasync
            assert misplaced(drafted, draft_synced, renamed, name_durable, listed, folder_durable, known) == []
            assert misplaced(committed, gone, trace.first("sync", plain.parent, after=gone)) == []


@pytest.mark.parametrize(
    ("words", "kind", "suffix"),
    [
        pytest.param(("crawl", "--all"), ARTICLES, ".jsonl", id="a record's in a crawl"),
        pytest.param(("run",), RAW, ".warc.gz", id="a raw copy's in the daemon", marks=pytest.mark.slow),
    ],
)
def test_a_failed_sync_ends_the_process_and_is_never_tried_again(
    tmp_path: Path, words: tuple[str, ...], kind: str, suffix: str
) -> None:
    with Newsroom(sites=2, stories=3) as room, archive_with_a_name(tmp_path) as name:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        file = f"{day_folder(kind, datetime.now(UTC))}/{name}-0001{suffix}"
        done, calls = traced(tmp_path, *words, options=("-P", f"{tmp_path}/data/{file}", "-e", failing()))
        assert done.returncode == 74
        assert last_words(done.stderr) == f"{file} cannot be synced: [Errno 5] Input/output error"
        assert [(call.name, call.error) for call in calls if call.name in SYNC] == [("fdatasync", "EIO")]
        complete(tmp_path, room)


@pytest.mark.slow
def test_a_commit_that_cannot_be_synced_ends_the_process_with_the_database_s_word(tmp_path: Path) -> None:
    with Newsroom(sites=2, stories=3) as room, archive_with_a_name(tmp_path):
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        wal = f"{tmp_path}/data/veille.db-wal"
        done, calls = traced(tmp_path, "crawl", "--all", options=("-P", wal, "-e", failing(when=6)))
        assert done.returncode == 74
        (line,) = messages(done)
        assert re.fullmatch(r"veille: the database \S+/veille\.db: disk I/O error", line)
        assert [call.name for call in calls if call.error] == ["fdatasync"]
        complete(tmp_path, room)


@pytest.mark.slow
def test_any_sync_that_fails_while_sealing_leaves_an_archive_that_can_be_sealed(tmp_path: Path) -> None:
    with Newsroom(sites=2, stories=3) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        assert veille(tmp_path, "crawl", "--all").returncode == 0
        (tmp_path / "data").rename(tmp_path / "before")
        for number in count(1):
            shutil.copytree(tmp_path / "before", tmp_path / "data")
            done, calls = traced(tmp_path, "seal", options=("-e", failing(when=number)))
            if not any(call.error for call in calls):
                break
            assert done.returncode == 74
            assert len(messages(done)) == 1
            assert veille(tmp_path, "seal").returncode == 0
            complete(tmp_path, room)
            shutil.rmtree(tmp_path / "data")
    assert number > 7


def failing(when: int | None = None) -> str:
    """A fault for strace: syncs fail, all of them or one by number."""
    return "inject=fdatasync,fsync:error=EIO" + (f":when={when}" if when else "")


@contextmanager
def archive_with_a_name(directory: Path) -> Iterator[str]:
    """An archive that has nothing but its writer's name, which tells how its files will be called."""
    (directory / "data").mkdir()
    with closing(open_database(settings(directory / "data").database)) as store:
        name = store.writer()
    yield name
