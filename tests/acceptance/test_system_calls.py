"""What the command asks of the kernel, in which order: a line is durable before the database knows of it, and so on."""

import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import messages, veille
from faults.scribe import settings
from faults.trace import Call, traced, why_not

from service.newsroom import Newsroom
from storage.appending import day_folder
from storage.database import open_database
from storage.segments import ARTICLES, records, segments
from storage.verify import verify

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


def first(calls: list[Call], names: str, what: Callable[[Call], bool], *, after: int = -1) -> Call:
    """The first call of one of these names that ``what`` is true of, begun after line ``after`` of the trace."""
    return next(call for call in calls if call.name in names.split() and call.began > after and what(call))


def test_each_record_is_on_the_disk_before_the_database_knows_of_it(tmp_path: Path) -> None:
    with Newsroom(sites=2, stories=3) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        done, calls = traced(tmp_path, "crawl", "--all")
    assert done.returncode == 0, done.stderr
    archived = list(records(tmp_path / "data"))
    assert len(archived) == 6
    wal = tmp_path / "data/veille.db-wal"
    for place, article in archived:
        file = tmp_path / "data" / place.file
        mark = article.text_hash  # in the record, and in the database nowhere but in the record's row

        def holds(call: Call, path: Path, mark: str = mark) -> bool:
            return call.path == path and mark in call.text

        written = first(calls, "write", lambda call: holds(call, file))  # noqa: B023  called at once
        synced = first(calls, "fdatasync", lambda call: call.path == file, after=written.ended)  # noqa: B023
        known = first(calls, "pwrite64", lambda call: holds(call, wal))
        committed = first(calls, "fdatasync fsync", lambda call: call.path == wal, after=known.ended)
        assert written.ended < synced.began <= synced.ended < known.began < committed.began
    (file,) = segments(tmp_path / "data")
    made = [call.path for call in calls if call.name == "fsync" and call.path.is_dir()]
    folders = [(tmp_path / "data" / file).parent, tmp_path / "data" / "articles", tmp_path / "data"]
    assert [path for path in made if path in folders][-3:] == folders, (
        "a new file's name, and its folders', are durable"
    )


def told(directory: Path) -> Path:
    """Where today's records will stand, in an archive that has its name already."""
    (directory / "data").mkdir()
    with closing(open_database(settings(directory / "data").database)) as store:
        return directory / "data" / f"{day_folder(ARTICLES, datetime.now(UTC))}/{store.writer()}-0001.jsonl"


def complete(directory: Path, room: Newsroom) -> None:
    """The next crawl finds nothing damaged, and brings what is missing."""
    assert veille(directory, "crawl", "--all").returncode == 0
    urls = [article.url for _, article in records(directory / "data")]
    assert sorted(urls) == sorted(story.url for story in room.stories())
    with closing(open_database(settings(directory / "data").database)) as store:
        assert list(verify(directory / "data", store)) == []


@pytest.mark.parametrize("words", [("crawl", "--all"), ("run",)], ids=" ".join)
def test_a_failed_sync_ends_the_process_and_is_never_tried_again(tmp_path: Path, words: tuple[str, ...]) -> None:
    with Newsroom(sites=2, stories=3) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        file = told(tmp_path)
        done, calls = traced(tmp_path, *words, options=("-P", str(file), "-e", "inject=fdatasync,fsync:error=EIO"))
        assert done.returncode == 74
        said = [line for line in messages(done) if line.startswith("veille: ")]
        assert said == [f"veille: {file.relative_to(tmp_path / 'data')} cannot be synced: [Errno 5] Input/output error"]
        assert [(call.name, call.error) for call in calls if "sync" in call.name] == [("fdatasync", "EIO")]
        complete(tmp_path, room)


def test_a_commit_that_cannot_be_synced_ends_the_process_with_the_database_s_word(tmp_path: Path) -> None:
    with Newsroom(sites=2, stories=3) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        wal = told(tmp_path).parents[2] / "veille.db-wal"
        fail = ("-P", str(wal), "-e", "inject=fdatasync:error=EIO:when=6")
        done, calls = traced(tmp_path, "crawl", "--all", options=fail)
        assert done.returncode == 74
        (line,) = messages(done)
        assert re.fullmatch(r"veille: the database \S+/veille\.db: disk I/O error", line)
        assert [call.name for call in calls if call.error] == ["fdatasync"]
        complete(tmp_path, room)
