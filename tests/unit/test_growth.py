"""What a batch costs does not depend on how much is archived: statements, changed columns, bytes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from articles import NOON, digest, make_article

from storage.archive import Archive
from storage.database import Database, open_database
from storage.model import Article, Entry, FeedState, NewEntry, Outcome, Poll, Resolution
from storage.occurrences import texts_of

BATCH = 50


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    with closing(open_database(f"sqlite:///{tmp_path / 'veille.db'}")) as database:
        yield database


@pytest.fixture
def archive(tmp_path: Path, store: Database) -> Iterator[Archive]:
    with closing(Archive.open(tmp_path, store, NOON)) as opened:
        yield opened


def find(batch: int, store: Database) -> tuple[list[Article], list[Resolution]]:
    """A poll that finds as many entries as a batch holds; what the batch will be."""
    names = [f"story-{batch * BATCH + number:06}" for number in range(BATCH)]
    entries = [
        NewEntry(
            Entry(f"key of {name}", digest(name), digest("c"), url=f"https://news.test/{name}", summary="long " * 200)
        )
        for name in names
    ]
    store.commit_poll(Poll("rfi-fr", NOON, FeedState("rfi-fr", "https://news.test/rss"), entries=tuple(entries)))
    numbers = [pending.number for pending in store.pending("news.test", NOON, BATCH)]
    return [make_article(name) for name in names], [Resolution(number, Outcome.ARCHIVED) for number in numbers]


def test_a_batch_takes_as_many_statements_and_bytes_after_thousands_of_articles_as_after_a_hundred(
    tmp_path: Path, store: Database, archive: Archive
) -> None:
    statements: list[str] = []
    sa.event.listen(store._engine, "before_cursor_execute", lambda *event: statements.append(event[2]))
    of_batch, in_files, in_database = [], [], []
    for number in range(60):
        batch = find(number, store)
        index = store.paragraphs({text for article in batch[0] for text in texts_of(article)}, [])
        for article in batch[0]:
            index.add(article)
        statements.clear()
        archive.commit(*batch, NOON, index)
        of_batch.append(list(statements))
        in_files.append(sum(path.stat().st_size for path in tmp_path.glob("articles/*/*")))
        in_database.append(_size(store))
    assert of_batch[-1] == of_batch[1]
    assert not any(statement.startswith("SELECT") for statement in of_batch[-1]), "it knows where it is"
    assert in_files[-1] - in_files[-2] == in_files[2] - in_files[1]
    assert in_database[50] - in_database[30] < 1.1 * (in_database[30] - in_database[10])
    assert in_database[50] - in_database[10] < 40 * BATCH * 1000, "what the feed gave leaves no holes"


def _size(store: Database) -> int:
    """Bytes of the database."""
    with store._reading() as connection:
        pages, size = (connection.scalar(sa.text(f"PRAGMA {name}")) or 0 for name in ("page_count", "page_size"))
    return int(pages * size)


def test_an_entry_that_ends_leaves_the_indexes_alone_that_do_not_tell_how(store: Database, archive: Archive) -> None:
    written: set[str] = set()

    def note(action: int, table: str | None, column: str | None, *_: Any) -> int:
        if action == SQLITE_UPDATE and table == "entries":
            written.add(str(column))
        return 0

    archive.commit(*find(0, store), NOON)
    with store._reading() as connection:
        driver: Any = connection.connection.driver_connection
    driver.set_authorizer(note)
    archive.commit(*find(1, store), NOON)
    indexed = {name for index in sa.inspect(store._engine).get_indexes("entries") for name in index["column_names"]}
    assert indexed & written == {"outcome", "next_try"}


SQLITE_UPDATE = 23
"""What SQLite tells its authorizer when a column is about to be written."""


@pytest.mark.slow
def test_the_benchmark_goes_through_every_step_it_measures() -> None:
    bench = Path(__file__).parents[2] / "bench" / "archive.py"
    done = subprocess.run(
        [sys.executable, bench, "--articles", "1000"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    for step in ("append and commit", "start after a crash", "verify", "peak memory"):
        assert step in done.stdout
