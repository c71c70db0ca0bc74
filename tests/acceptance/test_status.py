"""``veille status``: what it says of feeds, entries, disk and the service; on a terminal, in a pipe, as JSON."""

import json
import os
import pty
import signal
import subprocess
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import VEILLE, environment, veille
from holdings import make_holdings, new_store

from storage.model import Entry, FeedState, Gap, Health, NewEntry, Note, Poll
from storage.store import Store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)
NAMES = ("well", "failing", "silent", "bursting", "gone")


def entry(feed: str, number: int) -> NewEntry:
    digest = f"{hash((feed, number)) & (1 << 64) - 1:032x}"
    return NewEntry(Entry(f"{feed} {number}", digest, digest, url=f"https://{feed}.test/{number}"))


def listed(store: Store, feed: str, at: datetime, numbers: range, **state: object) -> None:
    """A poll that brought entries."""
    after = FeedState(feed, f"https://{feed}.test/rss", health=Health.OK, last_polled=at, last_success=at, next_due=NOW)
    entries = tuple(entry(feed, number) for number in numbers)
    store.commit_poll(Poll(feed, at, replace(after, **state), status=200, entries=entries))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of a month: a feed that does well, one that fails, one silent, one that bursts, one that is gone."""
    directory = tmp_path_factory.mktemp("home")
    (directory / "data").mkdir()
    with closing(new_store(directory / "data")) as store:
        make_holdings(directory / "data", store)
        for days in range(20, -1, -1):
            at = NOW - days * DAY
            if days > 5:
                listed(store, "silent", at, range(days * 3, days * 3 + 3))
            else:
                listed(store, "silent", at, range(0))
            many = 60 if days == 0 else 5 + days % 2
            for feed in ("well", "bursting"):
                count = 4 if feed == "well" else many
                listed(store, feed, at - 2 * HOUR, range(days * 100, days * 100 + count))
        listed(store, "failing", NOW - 3 * DAY, range(2))
        broken = {"health": Health.FAILING, "last_error": "answers 500\x1b[2J", "failing_since": NOW - 2 * DAY}
        listed(store, "failing", NOW, range(0), last_success=NOW - 3 * DAY, due_reason="failing", **broken)
        state = FeedState(
            "gone", "https://gone.test/rss", health=Health.GONE, last_error="answers 410", due_reason="gone"
        )
        store.commit_poll(Poll("gone", NOW, state))
        gap = Gap("well", NOW - 5 * HOUR, NOW - 4 * HOUR, "none of the entries was known")
        good = FeedState("well", "https://well.test/rss", health=Health.OK, last_polled=NOW, last_success=NOW)
        store.commit_poll(Poll("well", NOW, replace(good, next_due=NOW + HOUR), gap=gap))
        store.note(Note("reload", NOW, False, "refused, the old settings and feeds stay: feeds.toml:3: no url"))
        store.note(Note("verify", NOW - DAY, True, "10 records, all sound"))
    tables = [f'[[feed]]\nname = "{name}"\nurl = "https://{name}.test/rss"\n' for name in NAMES]
    (directory / "feeds.toml").write_text("\n".join(tables), encoding="utf-8")
    return directory


def test_what_is_wrong_comes_first_and_in_words(home: Path) -> None:
    done = veille(home, "status")
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[0].startswith("2 of 5 feeds failing, 1 silent; archive sound when checked ")
    assert "veille does not run now" in said[0]
    assert [line.split()[0] for line in said[2:5]] == ["failing", "gone", "silent"]
    assert any(line.startswith("failing: answers 500\\x1b[2J; failing since ") for line in said)
    assert any(line.startswith("silent: silent, nothing new since ") and "every 1d" in line for line in said)
    assert any(line.startswith("bursting: 60 new entries in 24 h, usually 5.5 ± 1.0") for line in said)
    assert any(line.startswith("gap: well, ") and line.endswith("none of the entries was known") for line in said)
    assert any(line.startswith("reload, ") and "feeds.toml:3: no url" in line for line in said)
    assert not any(line.startswith("well: ") for line in said)


def test_the_sums_agree_and_every_feed_is_on_a_line(home: Path) -> None:
    lines = [json.loads(line) for line in veille(home, "--json", "status").stdout.splitlines()]
    feeds = {line["feed"]: line for line in lines if "health" in line}
    assert set(feeds) == {*NAMES, "rfi-fr"}
    for sums in (*(feed["entries"] for feed in feeds.values()), lines[-1]["total"]):
        assert sums["seen"] == sum(count for outcome, count in sums.items() if outcome != "seen")
    assert lines[-1]["total"]["seen"] == sum(feed["entries"]["seen"] for feed in feeds.values())
    assert (feeds["silent"]["silent"], feeds["well"]["silent"]) == (True, False)
    assert (feeds["bursting"]["day"]["entries"], feeds["bursting"]["volume"]["unusual"]) == (60, True)
    assert (feeds["well"]["gaps"], feeds["well"]["week"]["entries"]) == (1, 28)
    assert len(feeds["well"]["trend"]) == 28
    assert {line["note"] for line in lines if "note" in line} == {"reload", "verify"}
    assert [line["running"] for line in lines if "running" in line] == [False]
    (disk,) = (line for line in lines if "disk" in line)
    assert min(disk["free"], disk["disk"]["articles"], disk["disk"]["database"]) > 0


def test_quiet_says_what_is_wrong_and_nothing_else(home: Path) -> None:
    said = veille(home, "status", "-q").stdout.splitlines()
    assert len(said) == 6
    assert not any("entries seen" in line for line in said)


@pytest.mark.parametrize("width", [80, 200])
def test_the_table_fits_the_terminal(home: Path, width: int) -> None:
    said, code = on_a_terminal(home, "status", columns=width)
    assert code == 0
    table = [line for line in said.splitlines() if line.startswith(("feed", *NAMES)) and ":" not in line[:12]]
    assert len(table) == 6
    assert all(len(line) <= width for line in table)
    assert all("…" not in line for line in table)


def test_watching_ends_well_with_ctrl_c_and_into_a_pipe_goes_as_json_only(home: Path) -> None:
    said, code = on_a_terminal(home, "status", "--watch", "0.5", columns=100, interrupt=b"bursting")
    assert code == 0
    assert "Traceback" not in said
    refused = veille(home, "status", "--watch")
    assert refused.returncode == 2
    assert "--json" in refused.stderr


def on_a_terminal(directory: Path, *words: str, columns: int, interrupt: bytes | None = None) -> tuple[str, int]:
    """What a command shows on a terminal of that width; ``interrupt``: Ctrl-C once it shows this."""
    ours, theirs = pty.openpty()
    surroundings = environment() | {"COLUMNS": str(columns), "LINES": "50", "TERM": "xterm", "NO_COLOR": "1"}
    process = subprocess.Popen([VEILLE, *words], cwd=directory, env=surroundings, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said, deadline = b"", time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if not (some := os.read(ours, 4096)):
                break
        except OSError:  # its other end is closed
            break
        said += some
        if interrupt is not None and interrupt in said:
            process.send_signal(signal.SIGINT)
            interrupt = None
    os.close(ours)
    plain = said.decode().replace("\x1b[1m", "").replace("\x1b[0m", "").replace("\x1b[2m", "")
    return plain, process.wait(10)
