"""Sealing as a user meets it: by hand, and by the daemon as soon as it starts after the day is over."""

import gzip
import hashlib
import json
import signal
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from articles import NOON, digest, make_article
from command import messages, start, veille

from service.newsroom import Newsroom
from storage.archive import Archive
from storage.database import open_database
from storage.lock import DirectoryLock
from storage.model import Entry, FeedState, NewEntry, Outcome, Poll, Resolution
from storage.records import encode

DEAD = '[[feed]]\nname = "dead"\nurl = "http://127.0.0.1:9/rss"\nenabled = false\n'


def archive(directory: Path, day: datetime, *names: str) -> Path:
    """A data directory with one more batch of records, of that day; returns the directory."""
    data = directory / "data"
    data.mkdir(exist_ok=True)
    with closing(open_database(f"sqlite:///{data / 'veille.db'}")) as store:
        entries = tuple(NewEntry(Entry(name, digest(name), digest(name))) for name in names)
        store.commit_poll(Poll("dead", NOON, FeedState("dead", "http://127.0.0.1:9/rss"), entries=entries))
        with closing(Archive.open(data, store, day)) as opened:
            pending = store.pending("", day, 100)
            resolutions = [Resolution(entry.number, Outcome.ARCHIVED) for entry in pending]
            opened.commit([make_article(name) for name in names], resolutions, day)
    (directory / "feeds.toml").write_text(DEAD, encoding="utf-8")
    return data


def test_seal_compresses_what_is_open_and_the_archive_stays_whole(tmp_path: Path) -> None:
    today = datetime.now(UTC)
    data = archive(tmp_path, today, "story", "other")
    (plain,) = data.glob("articles/*/*.jsonl")
    lines, name = plain.read_bytes(), plain.relative_to(data).as_posix()
    with DirectoryLock(data):
        held = veille(tmp_path, "seal")
    assert held.returncode == 75
    assert len(messages(held)) == 1

    done = veille(tmp_path, "seal")
    assert (done.returncode, messages(done)) == (0, [])
    packed = plain.with_name(plain.name + ".gz")
    sizes = f"{len(lines) / 1000:.1f}kB → {packed.stat().st_size}B"
    assert done.stdout == f"{name}.gz: 2 records, {sizes}\n"
    assert gzip.decompress(packed.read_bytes()) == lines
    assert not plain.exists()

    archive(tmp_path, today, "late")
    told = veille(tmp_path, "seal", "--json")
    first, second = (json.loads(line) for line in (data / "manifest.jsonl").read_text().splitlines())
    assert first["sha256"] == hashlib.sha256(packed.read_bytes()).hexdigest()
    assert second["path"] == f"{name.replace('0001', '0002')}.gz"
    assert json.loads(told.stdout) == second | {"bytes_before": len(encode(make_article("late")))}

    shown = veille(tmp_path, "show", digest("other"), "--json")
    assert shown.stdout.encode() == encode(make_article("other"))
    assert veille(tmp_path, "verify").returncode == 0


def test_the_daemon_seals_what_an_earlier_day_left_when_it_starts(tmp_path: Path) -> None:
    data = archive(tmp_path, datetime.now(UTC) - timedelta(days=1), "story")
    daemon, started = start(tmp_path, "run", log_format="json"), time.monotonic()
    try:
        assert daemon.stderr is not None
        events = (json.loads(line) for line in daemon.stderr)
        sealed = next(event for event in events if event["event"] == "sealed")
        assert time.monotonic() - started < 30, "not at the start, but at the next look, a minute later"
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=30)
    assert daemon.returncode == 0
    (packed,) = data.glob("articles/*/*")
    assert gzip.decompress(packed.read_bytes()) == encode(make_article())
    assert data / sealed["file"] == packed
    assert sealed["records"] == 1


@pytest.mark.slow
def test_a_daemon_that_cannot_seal_says_why_and_goes_on(tmp_path: Path) -> None:
    data = archive(tmp_path, datetime.now(UTC) - timedelta(days=1), "story")
    (plain,) = data.glob("articles/*/*.jsonl")
    name = f"{plain.relative_to(data).as_posix()}.gz"
    other = {"path": name, "records": 1, "bytes": 1, "sha256": "0" * 64, "first_id": None, "last_id": None}
    (data / "manifest.jsonl").write_text(json.dumps(other) + "\n")
    with Newsroom(sites=1, stories=1) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        daemon = start(tmp_path, "run", log_format="json")
        assert daemon.stderr is not None
        said = {}
        for line in daemon.stderr:
            event = json.loads(line)
            said[event["event"]] = event
            if {"archived", "a file cannot be sealed; veille verify tells more"} <= said.keys():
                break
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate()
    assert daemon.returncode == 0
    reason = said["a file cannot be sealed; veille verify tells more"]["reason"]
    assert reason.startswith(f"{name} is not as manifest.jsonl has it: bytes ")
    assert plain.exists()
