"""Signals: what is done is kept, nothing is doubled, and the next run goes on. Kills are in ``test_kills``."""

import json
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from command import start, veille

from service.newsroom import Newsroom, Slow


def records(directory: Path) -> list[dict[str, object]]:
    lines = [line for path in directory.glob("data/articles/*/*.jsonl") for line in path.read_bytes().splitlines()]
    return [json.loads(line) for line in lines]


def wait_for(condition: Callable[[], bool], seconds: float) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - started


def archived_urls(directory: Path) -> set[object]:
    urls = set()
    for path in directory.glob("data/articles/*/*.jsonl"):
        for line in path.read_bytes().split(b"\n")[:-1]:
            urls.add(json.loads(line)["url"])
    return urls


@pytest.mark.slow
def test_a_story_published_while_the_daemon_runs_is_archived_within_ten_seconds(tmp_path: Path) -> None:
    with Newsroom(sites=2, stories=2) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        pace = {"poll_interval": "2s", "poll_min": "1s", "log_format": "json"}
        daemon = start(tmp_path, "run", **pace)
        try:
            wait_for(lambda: len(archived_urls(tmp_path)) == 4, 30)
            (story,) = room.publish(1)
            wait_for(lambda: story.url in archived_urls(tmp_path), 10)
        finally:
            daemon.send_signal(signal.SIGTERM)
            _, said = daemon.communicate(timeout=30)
        assert daemon.returncode == 0, said
        assert "Traceback" not in said

        (missed,) = room.publish(1)
        daemon = start(tmp_path, "run", **pace)
        try:
            wait_for(lambda: missed.url in archived_urls(tmp_path), 15)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.communicate(timeout=30)
        assert daemon.returncode == 0
    assert len(records(tmp_path)) == 6
    assert veille(tmp_path, "verify").returncode == 0


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_the_next_crawl_does_the_rest(tmp_path: Path) -> None:
    with Newsroom(sites=2, stories=12) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        for site in room.sites:
            room.fault(site, Slow(0.2))
        crawl = start(tmp_path, "crawl")
        wait_for(lambda: bool(archived_urls(tmp_path)), 30)
        crawl.send_signal(signal.SIGINT)
        out, said = crawl.communicate(timeout=30)
        assert crawl.returncode == 130, said
        assert out.startswith("interrupted: ")
        assert "Traceback" not in said
        done = len(records(tmp_path))
        assert 0 < done < 24
        for site in room.sites:
            room.heal(site)
        assert veille(tmp_path, "crawl", "--all").returncode == 0
        assert Counter(str(record["url"]) for record in records(tmp_path)) == {story.url: 1 for story in room.stories()}
    assert veille(tmp_path, "verify").returncode == 0
