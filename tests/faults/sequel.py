"""The run after a failure: it brings what is missing, once, and finds nothing damaged."""

from collections import Counter
from contextlib import closing
from pathlib import Path

from command import veille

from faults.scribe import settings
from service.newsroom import Newsroom
from storage.database import open_database
from storage.segments import records
from storage.verify import verify


def complete(directory: Path, room: Newsroom, data: Path | None = None) -> None:
    """Crawl once more, everything in order by now, and compare the archive with what the newsroom has published.

    Args:
        directory: Where the command runs.
        room: Its stories are still in its feeds.
        data: The data directory, where it is not ``data`` below that.
    """
    data = data or directory / "data"
    done = veille(directory, "--data", data, "crawl", "--all")
    assert done.returncode == 0, done.stderr
    copies, wanted = Counter(article.url for _, article in records(data)), {story.url for story in room.stories()}
    assert sorted(wanted - copies.keys()) == [], f"lost\n{veille(directory, '--data', data, 'status').stdout}"
    assert [url for url, count in copies.items() if count > 1 or url not in wanted] == [], "doubled, or made up"
    with closing(open_database(settings(data).database)) as store:
        assert list(verify(data, store)) == []
