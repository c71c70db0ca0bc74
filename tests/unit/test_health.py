"""What ``veille doctor`` looks at, and what it makes of it."""

import os
import resource
import socket
import sqlite3
import ssl
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from holdings import make_holdings, new_store

from service.health import Check, Kind, Result, check_clock, check_machine, machine
from service.net.response import Response
from service.settings import Settings, load
from storage import checkup
from storage.database import open_database
from storage.lock import DirectoryLock
from storage.model import Feed, Note

NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
ACCESS = os.access
FEEDS = (Feed("one", "https://one.example/rss"), Feed("two", "https://two.example/rss", enabled=False))


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    (tmp_path / "none.env").touch()
    return tmp_path


def checks(
    directory: Path, *, feeds: tuple[Feed, ...] = FEEDS, now: datetime = NOW, **settings: Any
) -> dict[str, Check]:
    chosen: Settings = load(directory / "none.env", **({"data_dir": directory / "data"} | settings))
    found = list(check_machine(chosen, directory / "none.env", feeds, directory / "feeds.toml", now))
    return {check.name: check for check in found}


def made(directory: Path) -> Path:
    """A data directory with a database in it."""
    (directory / "data" / "articles").mkdir(parents=True)
    file = directory / "data" / "veille.db"
    open_database(f"sqlite:///{file}").close()
    return file


def test_a_fresh_install_has_no_problem(nowhere: Path) -> None:
    found = checks(nowhere, contact="me@example.org", workers=1)
    assert {check.result for check in found.values()} == {Result.OK}
    assert list(nowhere.iterdir()) == [nowhere / "none.env"]  # a look makes nothing


def test_an_archive_in_use_has_no_problem(nowhere: Path) -> None:
    made(nowhere)
    with DirectoryLock(nowhere / "data"):
        found = checks(nowhere, contact="https://example.org/bot", workers=1)
    assert {check.result for check in found.values()} == {Result.OK}
    assert found["lock"].detail == f"held by process {os.getpid()}, so veille is at work here"
    assert found["database"].detail.endswith("read through and sound, opens")


def test_a_lock_let_go_of_is_free_and_a_look_does_not_take_it(nowhere: Path) -> None:
    made(nowhere)
    with DirectoryLock(nowhere / "data"):
        pass
    assert checks(nowhere)["lock"].detail.startswith("free")
    assert (nowhere / "data" / "veille.lock").read_text() == f"{os.getpid()}\n"


def test_settings_are_told_with_their_origin_and_secrets_without_their_value(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VEILLE_POLL_MIN", "20m")
    (nowhere / "none.env").write_text("\nVEILLE_NOTIFY_URL=json://user:secret@127.0.0.1/\n", encoding="utf-8")
    found = checks(nowhere, database_url="sqlite:///secret.db", timeout="5s")["settings"]
    for told in (
        "VEILLE_DATABASE_URL (the command line)",
        f"VEILLE_NOTIFY_URL ({nowhere / 'none.env'}:2)",
        "VEILLE_TIMEOUT=5s (the command line)",
        "VEILLE_POLL_MIN=20m (environment)",
    ):
        assert told in found.detail
    assert "secret" not in found.detail
    assert (found.result, "others can read it: chmod 600" in found.detail) == (Result.WARNING, True)
    (nowhere / "none.env").chmod(0o600)
    assert checks(nowhere)["settings"].result is Result.OK


def test_an_archive_is_looked_at_as_a_start_would_and_asked_for_its_last_check(nowhere: Path) -> None:
    (nowhere / "data").mkdir()
    with closing(new_store(nowhere / "data")) as store:
        make_holdings(nowhere / "data", store)
    assert "10 records, every file there and long enough; never checked" in checks(nowhere)["archive"].detail

    def after(note: Note) -> Check:
        with closing(open_database(f"sqlite:///{nowhere / 'data' / 'veille.db'}")) as store:
            store.note(note)
        return checks(nowhere)["archive"]

    assert after(Note("verify", NOW - timedelta(days=2), True, "sound")).result is Result.OK
    assert after(Note("verify", NOW - timedelta(days=9), True, "sound")).result is Result.WARNING
    assert after(Note("verify", NOW, False, "2 damaged: x")).result is Result.PROBLEM
    (sealed,) = (nowhere / "data").glob("articles/*/*.gz")
    sealed.write_bytes(sealed.read_bytes()[:-1])
    found = checks(nowhere)["archive"]
    assert (found.result, found.kind) == (Result.PROBLEM, Kind.STORAGE)
    assert sealed.name in found.detail


def test_a_disk_is_held_against_the_room_that_is_wanted(nowhere: Path) -> None:
    assert checks(nowhere, min_free="900TB")["disk space"].result is Result.WARNING


def test_an_address_that_is_taken_is_told_unless_a_service_runs(nowhere: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert checks(nowhere, metrics_bind=str(port))["metrics"].result is Result.PROBLEM
        made(nowhere)
        with DirectoryLock(nowhere / "data"):
            assert checks(nowhere, metrics_bind=str(port))["metrics"].result is Result.OK
    with DirectoryLock(nowhere / "data"):
        assert checks(nowhere, metrics_bind=str(port))["metrics"].result is Result.WARNING


def test_an_address_that_nobody_can_be_told_at_is_a_problem(nowhere: Path) -> None:
    assert checks(nowhere, notify_url="json://127.0.0.1/")["notices"].result is Result.OK
    found = checks(nowhere, notify_url="json://127.0.0.1/ nosuch://secret")["notices"]
    assert (found.result, "secret" in found.detail) == (Result.PROBLEM, False)


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ("LoadState=loaded\nUnitFileState=enabled\nActiveState=active\n", Result.OK),
        ("LoadState=loaded\nUnitFileState=disabled\nActiveState=inactive\n", Result.WARNING),
        ("LoadState=loaded\nUnitFileState=enabled\nActiveState=failed\n", Result.PROBLEM),
        ("LoadState=not-found\nUnitFileState=\nActiveState=inactive\n", Result.OK),
    ],
)
def test_units_are_looked_at_where_there_is_systemd(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, said: str, result: Result
) -> None:
    command = nowhere / "systemctl"
    command.write_text("#!/bin/sh\ncat <<END\n" + said + "END\n", encoding="utf-8")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{nowhere}:{os.environ['PATH']}")
    monkeypatch.setattr(machine, "SYSTEMD", nowhere)
    assert machine.check_units().result is result


@pytest.mark.parametrize(
    ("name", "result", "settings"),
    [
        ("contact", Result.WARNING, {}),
        ("contact", Result.WARNING, {"contact": "nobody"}),
        ("contact", Result.WARNING, {"user_agent": "mine/1"}),
        ("contact", Result.OK, {"user_agent": "mine/1 (+mailto:me@example.org)"}),
        ("workers", Result.WARNING, {"workers": 1_000}),
        ("feeds", Result.PROBLEM, {"feeds": ()}),
        ("feeds", Result.WARNING, {"feeds": FEEDS[1:]}),
        ("clock", Result.PROBLEM, {"now": datetime(1970, 1, 1, tzinfo=UTC)}),
        ("clock", Result.PROBLEM, {"now": datetime(2106, 2, 7, tzinfo=UTC)}),
    ],
)
def test_a_setup_that_is_not_right_is_told(nowhere: Path, name: str, result: Result, settings: dict[str, Any]) -> None:
    found = checks(nowhere, **settings)[name]
    assert (found.result, found.kind) == (result, Kind.SETUP)


def test_the_time_zone_of_the_settings_is_shown(nowhere: Path) -> None:
    detail = checks(nowhere, timezone="Europe/Paris")["clock"].detail
    assert detail.startswith("2026-11-24 04:30:00 UTC, 05:30 in Europe/Paris")


def limit(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (number, number))


@pytest.mark.parametrize(
    ("number", "result"),
    [(100, Result.PROBLEM), (500, Result.WARNING), (4096, Result.OK), (resource.RLIM_INFINITY, Result.OK)],
)
def test_the_limit_of_open_files_is_held_against_the_concurrency(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, number: int, result: Result
) -> None:
    limit(monkeypatch, number)
    assert checks(nowhere)["open files"].result is result
    assert checks(nowhere, concurrency=10_000)["open files"].result is not Result.OK or number < 0


@pytest.mark.parametrize(
    ("free", "files", "result"),
    [
        (99_000_000, 10**6, Result.PROBLEM),
        (999_000_000, 10**6, Result.WARNING),
        (2 * 10**9, 10**6, Result.OK),
        (2 * 10**9, 100, Result.WARNING),
    ],
)
def test_little_space_is_a_warning_and_hardly_any_a_problem(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, free: int, files: int, result: Result
) -> None:
    system = SimpleNamespace(f_bavail=free // 1000, f_frsize=1000, f_files=10**7, f_favail=files)
    monkeypatch.setattr(os, "statvfs", lambda _: system)
    found = checks(nowhere)["disk space"]
    assert (found.result, found.kind) == (result, Kind.STORAGE)


def test_no_authorities_no_https(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "public_authorities", lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert checks(nowhere)["certificates"].result is Result.PROBLEM


# -- storage -----------------------------------------------------------------------------------------------------------


def test_a_data_directory_that_is_a_file_or_under_one_is_a_problem(nowhere: Path) -> None:
    file = nowhere / "none.env"
    for directory in (file, file / "data"):
        found = checks(nowhere, data_dir=directory)["data directory"]
        assert (found.result, found.kind) == (Result.PROBLEM, Kind.STORAGE)


def no_rights(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """As for another user; the tests may run as root, who has all rights."""
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name not in names and ACCESS(path, mode))


def test_what_may_not_be_written_is_a_problem(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(nowhere)
    no_rights(monkeypatch, "data")
    found = checks(nowhere)["data directory"]
    assert (found.result, "cannot write it" in found.detail) == (Result.PROBLEM, True)
    no_rights(monkeypatch, "veille.db")
    found = checks(nowhere)["data directory"]
    assert (found.result, "cannot write veille.db in it" in found.detail) == (Result.PROBLEM, True)


def test_a_directory_that_is_somebody_else_s_is_a_warning(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(nowhere)
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    found = checks(nowhere)["data directory"]
    assert found.result is Result.WARNING
    assert "user 4000000" in found.detail


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_file_of_another_user_in_it_is_a_warning(nowhere: Path) -> None:
    os.chown(made(nowhere), 4_000_000, -1)
    found = checks(nowhere)["data directory"]
    assert (found.result, "but not veille.db" in found.detail) == (Result.WARNING, True)


def test_records_without_their_database_are_a_warning(nowhere: Path) -> None:
    folder = nowhere / "data" / "articles" / "date=2026-11-23"
    folder.mkdir(parents=True)
    (folder / "bcdfgh-0001.jsonl").touch()
    found = checks(nowhere)["database"]
    assert (found.result, "is missing" in found.detail) == (Result.WARNING, True)


@pytest.mark.parametrize(("revision", "result"), [("0000", Result.WARNING), ("9999", Result.PROBLEM)])
def test_an_older_database_will_be_migrated_and_a_newer_one_is_a_problem(
    nowhere: Path, revision: str, result: Result
) -> None:
    file = made(nowhere)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.close()
    found = checks(nowhere)["database"]
    assert (found.result, found.kind) == (result, Kind.STORAGE)
    assert f"revision {revision}" in found.detail


def test_a_damaged_database_is_found_unless_it_is_too_large_to_read(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = made(nowhere)
    with sqlite3.connect(file) as connection:
        [page] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'polls_by_feed'").fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with file.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(b"\xff" * size)
    found = checks(nowhere)["database"]
    assert (found.result, "is damaged" in found.detail) == (Result.PROBLEM, True)
    monkeypatch.setattr(checkup, "LARGEST_READ", 1)
    found = checks(nowhere)["database"]
    assert (found.result, "too large to read through" in found.detail) == (Result.OK, True)


def test_what_is_no_database_is_a_problem(nowhere: Path) -> None:
    (nowhere / "data").mkdir()
    (nowhere / "data" / "veille.db").write_text("not a database" * 100)
    assert checks(nowhere)["database"].result is Result.PROBLEM


# -- the clock ---------------------------------------------------------------------------------------------------------


def answer(date: str | datetime | None, *, age: str | None = None, seconds: float = 0.1) -> tuple[Response, datetime]:
    written = format_datetime(date, usegmt=True) if isinstance(date, datetime) else date
    headers = [(name, value.encode()) for name, value in ((b"date", written), (b"age", age)) if value is not None]
    return Response("https://a.example/", "https://a.example/", 200, tuple(headers), seconds=seconds), NOW


@pytest.mark.parametrize(
    ("ahead", "result", "words"),
    [
        (0, Result.OK, "agrees"),
        (-1, Result.OK, "agrees"),
        (4, Result.OK, "agrees"),
        (10, Result.WARNING, "10s behind servers"),
        (-600, Result.WARNING, "ahead of servers"),
        (2 * 3600, Result.PROBLEM, "2h behind servers"),
    ],
)
def test_a_clock_that_differs_from_servers_is_told(ahead: int, result: Result, words: str) -> None:
    found = check_clock([answer(NOW + timedelta(seconds=ahead))])
    assert (found.result, words in found.detail) == (result, True)


def test_one_server_that_is_wrong_does_not_make_the_clock_wrong() -> None:
    answers = [answer(NOW), answer(NOW + timedelta(days=3)), answer(NOW - timedelta(seconds=1))]
    assert check_clock(answers).result is Result.OK


def test_the_time_an_answer_spent_in_a_cache_or_on_the_way_counts() -> None:
    assert check_clock([answer(NOW - timedelta(hours=1), age="3600")]).result is Result.OK
    assert check_clock([answer(NOW - timedelta(seconds=30), seconds=30.0)]).result is Result.OK
    assert check_clock([answer(NOW - timedelta(seconds=30))]).result is Result.WARNING


def test_servers_that_do_not_say_the_time_say_nothing_of_the_clock() -> None:
    found = check_clock([answer(None), answer("yesterday")])
    assert (found.result, found.detail) == (Result.OK, "no server said what time it has")


def test_a_server_s_date_at_the_end_of_time_says_nothing() -> None:
    found = check_clock([answer("Fri, 31 Dec 9999 23:59:59 GMT", age="60"), answer(NOW)])
    assert (found.result, "median of 1" in found.detail) == (Result.OK, True)
