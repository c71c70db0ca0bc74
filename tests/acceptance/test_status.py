"""``veille status``: what it says of feeds, entries, disk and the service; on a terminal, in a pipe, as JSON."""

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import VEILLE, environment, start, veille
from holdings import make_holdings, new_store

from storage.database import open_database
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
            "gone",
            "https://gone.test/rss",
            health=Health.GONE,
            last_error="answers 410",
            last_status=410,
            due_reason="gone",
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
    assert (done.returncode, done.stderr) == (0, "")
    head, table, wrong, books = (part.splitlines() for part in done.stdout.split("\n\n"))
    (line,) = head  # whole, for whoever reads a pipe
    assert line.startswith("2 of 5 feeds failing, 1 silent; a reload was refused; 1 gap in 7 days; 1 with more or less")
    assert "; archive sound when checked " in line
    assert line.endswith("; veille does not run now")
    assert [row.split()[0] for row in table[1:]] == ["failing", "gone", "silent", "bursting", "well", "rfi-fr"]
    assert wrong[0].startswith("reload, ")
    assert wrong[0].endswith("feeds.toml:3: no url")
    assert wrong[1].startswith("failing: answers 500\\x1b[2J; failing since ")
    assert wrong[2].startswith("gone: answers 410; ")
    assert wrong[2].endswith("veille feeds discover https://gone.test/ finds the site's")
    assert wrong[3].startswith("silent: silent, nothing new since ")
    assert wrong[3].endswith("; usually something every 1d")
    assert wrong[4] == "bursting: 60 new entries in 24 h, usually 4 to 8"
    assert wrong[5].startswith("gap: well, ")
    assert wrong[5].endswith("none of the entries was known")
    assert any(line.startswith("311 entries seen = 301 pending + 10 archived + ") for line in books)
    assert veille(home, "status", "-q").stdout.splitlines() == wrong


def test_the_sums_agree_and_every_feed_is_on_a_line(home: Path) -> None:
    lines = [json.loads(line) for line in veille(home, "--json", "status").stdout.splitlines()]
    feeds = {line["feed"]: line for line in lines if "feed" in line}
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
    shown = json.loads(veille(home, "--json", "feeds", "show", "bursting").stdout)
    for key in ("silent", "newest_entry", "usual_interval", "day", "week", "trend", "volume"):
        assert shown[key] == feeds["bursting"][key]


@pytest.mark.slow
def test_the_words_of_a_feed_shown_are_those_of_its_status(home: Path) -> None:
    said = veille(home, "feeds", "show", "bursting").stdout.splitlines()
    assert said[-7:] == [
        "silent: no",
        f"newest entry: {NOW - 2 * HOUR:%Y-%m-%d %H:%M:%S} UTC",
        "usual interval: 1d",
        "day: 60 entries, 0 articles",
        "week: 93 entries, 0 articles",
        f"trend: {said[-2].removeprefix('trend: ')}",
        "volume: 60 new entries in 24 h, usually 4 to 8",
    ]
    assert said[-2].endswith("█")


@pytest.mark.parametrize("columns", [80, pytest.param(200, marks=pytest.mark.slow)])
def test_all_of_it_fits_the_terminal(home: Path, columns: int) -> None:
    said, code = on_a_terminal(home, "status", columns=columns)
    assert code == 0
    lines = said.splitlines()
    assert all(len(line) <= columns for line in lines)
    table = [line for line in lines if line.startswith(("feed ", *(f"{name} " for name in NAMES)))]
    assert len(table) == 6
    assert all("…" not in line for line in table)


@pytest.mark.slow
def test_watching_ends_well_with_ctrl_c_and_into_a_pipe_goes_as_json_only(home: Path) -> None:
    said, code = on_a_terminal(home, "status", "--watch", "0.5", columns=80, interrupt="bursting")
    assert code == 0
    assert "Traceback" not in said
    assert said.count("\x1b[?1049h") == said.count("\x1b[?1049l") == 1, "the terminal's own page is back"
    refused = veille(home, "status", "--watch")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--json" in refused.stderr


@pytest.mark.slow
def test_watching_outlives_a_database_that_is_away_for_a_moment_and_feeds_that_are_wrong(home: Path) -> None:
    watch = start(home, "--json", "status", "--watch", "0.5")
    assert watch.stdout is not None
    assert watch.stderr is not None
    database, away = home / "data" / "veille.db", home / "away.db"
    feeds = (home / "feeds.toml").read_text(encoding="utf-8")
    try:
        _next_total(watch)
        database.rename(away)
        assert "there is no database" in watch.stderr.readline()
        away.rename(database)
        assert _next_total(watch) == 311
        (home / "feeds.toml").write_text("[[feed", encoding="utf-8")
        while "settings and feeds as they were" not in (line := watch.stderr.readline()):
            assert "looking again in 0.5 s" in line
        (home / "feeds.toml").write_text(feeds, encoding="utf-8")
        assert _next_total(watch) == 311
    finally:
        watch.send_signal(signal.SIGINT)
        _, errors = watch.communicate(timeout=20)
    assert watch.returncode == 0
    assert "Traceback" not in errors


@pytest.mark.slow
def test_watching_ends_when_its_reader_has_gone(home: Path) -> None:
    watch = start(home, "--json", "status", "--watch", "0.5")
    assert watch.stdout is not None
    assert watch.stdout.readline()
    watch.stdout.close()
    try:
        assert watch.wait(20) == 0
    finally:
        watch.kill()
        assert watch.stderr is not None
        assert watch.stderr.read() == ""
        watch.stderr.close()


@pytest.mark.slow
def test_a_display_shows_what_it_last_saw_while_the_database_is_away(home: Path) -> None:
    database, away = home / "data" / "veille.db", home / "away.db"

    def interfere() -> None:
        database.rename(away)

    try:
        said, code = on_a_terminal(
            home, "status", "--watch", "0.5", columns=80, between=("bursting", interfere), interrupt="is no database"
        )
    finally:
        away.rename(database)
    assert code == 0
    assert "bursting" in said.partition("is no database")[2]


@pytest.mark.slow
def test_a_terminal_of_few_characters_gets_others_in_their_place(home: Path) -> None:
    for words in (["status"], ["--json", "status"]):
        surroundings = environment() | {"PYTHONIOENCODING": "ascii"}
        done = subprocess.run([VEILLE, *words], cwd=home, env=surroundings, capture_output=True, check=True)
        assert done.stdout.isascii()
        assert b"\xe2" not in done.stdout


def _next_total(watch: "subprocess.Popen[str]") -> int:
    assert watch.stdout is not None
    while "total" not in (line := json.loads(watch.stdout.readline())):
        pass
    return int(line["total"]["seen"])


def on_a_terminal(
    directory: Path,
    *words: str,
    columns: int,
    interrupt: str | None = None,
    between: tuple[str, Callable[[], None]] | None = None,
) -> tuple[str, int]:
    """What a command shows on a terminal of that width.

    ``interrupt``: Ctrl-C once it shows this; before that, ``between``: what to do once it shows something else.
    """
    ours, theirs = pty.openpty()
    surroundings = environment() | {"COLUMNS": str(columns), "LINES": "50", "TERM": "xterm", "NO_COLOR": "1"}
    process = subprocess.Popen([VEILLE, *words], cwd=directory, env=surroundings, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said, deadline = b"", time.monotonic() + 40
    while time.monotonic() < deadline:
        try:
            if not (some := os.read(ours, 4096)):
                break
        except OSError:  # its other end is closed
            break
        said += some
        if between is not None:
            if between[0].encode() in said:
                between[1]()
                between = None
        elif interrupt is not None and interrupt.encode() in said:
            process.send_signal(signal.SIGINT)
            interrupt = None
    os.close(ours)
    plain = said.decode().replace("\x1b[1m", "").replace("\x1b[0m", "").replace("\x1b[2m", "")
    try:
        return plain, process.wait(10)
    finally:
        process.kill()  # where it has not ended, it never will


def test_feeds_that_cannot_be_read_or_are_not_those_watched_are_said_first(home: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[[feed]\n", encoding="utf-8")
    done = veille(home, "--feeds", broken, "status", "-q")
    assert done.returncode == 0
    assert done.stdout.startswith(f"feeds: {broken}:1:")
    lines = [json.loads(line) for line in veille(home, "--json", "--feeds", broken, "status").stdout.splitlines()]
    assert [line["problem"] for line in lines if "problem" in line] == [
        done.stdout.splitlines()[0].removeprefix("feeds: ")
    ]
    assert {line["feed"] for line in lines if "feed" in line} == {*NAMES, "rfi-fr"}
    with closing(open_database(f"sqlite:///{home / 'data' / 'veille.db'}")) as store:
        store.note(Note("catalogue", NOW, True, str(home / "feeds.toml")))
    assert veille(home, "status").stdout.count("feeds.toml") == 1, "of the refused reload alone"
    elsewhere = veille(tmp_path, "--data", home / "data", "status")
    assert elsewhere.stdout.startswith("NOT the feeds that are watched; ")
    assert f"but veille run watches those of {home / 'feeds.toml'}: look from its directory" in elsewhere.stdout
