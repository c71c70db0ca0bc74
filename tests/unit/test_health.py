"""What ``veille doctor`` looks at, and what it makes of it."""

import os
import resource
import socket
import sqlite3
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from service.health import (
    Check,
    Found,
    Kind,
    Result,
    archive,
    check_machine,
    check_server_clocks,
    configuration,
    machine,
    units,
)
from service.metrics import Metrics
from service.monitoring import serving
from service.net.response import Response
from service.settings import Settings, load, origins
from service.units import Address
from storage import checkup, manifest
from storage.database import Database, open_database
from storage.lock import DirectoryLock
from storage.model import Alert, Feed, Note, Sealed, Trouble
from storage.usage import Usage

NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
ACCESS = os.access
CLOCK_STATE = machine._clock_state
FEEDS = (Feed("one", "https://one.example/rss"), Feed("two", "https://two.example/rss", enabled=False))


@pytest.fixture(autouse=True)
def _a_machine_that_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever the tests run on."""
    monkeypatch.setattr(machine, "_clock_state", lambda: 0)
    monkeypatch.setattr(units, "BOOTED", Path("/nowhere"))


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    (tmp_path / "none.env").touch()
    return tmp_path


def checks(
    directory: Path, *, feeds: tuple[Feed, ...] = FEEDS, now: datetime = NOW, **settings: Any
) -> dict[str, Check]:
    chosen: Settings = load(directory / "none.env", **({"data_dir": directory / "data"} | settings))
    env_file = directory / "none.env"
    found = Found(chosen, origins(env_file), env_file, feeds, directory / "feeds.toml", dict.fromkeys(settings, "--it"))
    return {check.name: check for check in check_machine(found, now)}


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
    assert found["at work"].detail == f"process {os.getpid()} holds the archive: veille is at work here"
    assert found["database"].detail.endswith("read through and sound, opens")


def test_a_lock_let_go_of_is_free_and_a_look_does_not_take_it(nowhere: Path) -> None:
    made(nowhere)
    with DirectoryLock(nowhere / "data"):
        pass
    assert checks(nowhere)["at work"].detail == "no veille is at work here now"
    assert (nowhere / "data" / "veille.lock").read_text() == f"{os.getpid()}\n"


def test_settings_are_told_with_their_place_and_no_secret_with_its_value(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file = nowhere / "none.env"
    env_file.write_text("VEILLE_TIMEOUT=6s\n\n\nVEILLE_NOTIFY_URL=json://hush\nVEILLE_TIMEOUT=5s\nVEILLE_CONTACT=\n")
    monkeypatch.setenv("VEILLE_POLL_MIN", "10m")
    monkeypatch.setenv("VEILLE_TIMEOUT", "7s")
    found = checks(nowhere, database_url="sqlite:///other.db")
    told = {
        name.removeprefix("setting VEILLE_"): one.detail for name, one in found.items() if name.startswith("setting ")
    }
    assert told == {
        "DATABASE_URL": "set, not shown (--it)",
        "POLL_MIN": "10m (environment)",
        "TIMEOUT": f"7s (environment; it overrules {env_file}:5, {env_file}:1)",
        "NOTIFY_URL": f"set, not shown ({env_file}:4)",
    }
    assert "hush" not in str(found)


def test_a_secret_in_a_file_of_its_own_is_told_by_the_setting_that_names_it(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nowhere / "secret").write_text("json://hush")
    monkeypatch.setenv("VEILLE_NOTIFY_URL_FILE", str(nowhere / "secret"))
    settings, env_file = load(nowhere / "none.env"), nowhere / "none.env"
    _, told = configuration.check_settings(settings, origins(env_file), env_file, {}, with_defaults=False)
    assert (told.name, told.detail) == (
        "setting VEILLE_NOTIFY_URL",
        "set, not shown (VEILLE_NOTIFY_URL_FILE, environment)",
    )


def test_defaults_are_told_when_asked_for(nowhere: Path) -> None:
    settings = load(nowhere / "none.env", data_dir=nowhere / "data")
    found = Found(settings, origins(nowhere / "none.env"), nowhere / "none.env", FEEDS, None)
    told = {check.name: check.detail for check in check_machine(found, NOW, with_defaults=True)}
    assert told["setting VEILLE_TIMEOUT"] == "1m (default)"
    assert told["setting VEILLE_NOTIFY_URL"] == "nothing (default)"
    assert sum(name.startswith("setting ") for name in told) == len(Settings.model_fields)


@pytest.mark.parametrize(
    ("mode", "folder", "result"),
    [
        (0o644, 0o755, Result.WARNING),
        (0o640, 0o755, Result.WARNING),
        (0o600, 0o755, Result.OK),
        (0o644, 0o700, Result.OK),
    ],
)
def test_a_secret_that_others_can_read_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, folder: int, result: Result
) -> None:
    monkeypatch.setattr(configuration, "_mode", lambda path: modes.get(path, 0o755))
    modes = {tmp_path / "none.env": mode, tmp_path: folder}
    (tmp_path / "none.env").write_text("VEILLE_NOTIFY_URL=json://hush\n")
    env_file = tmp_path / "none.env"
    found = configuration.check_rights(load(env_file), origins(env_file), env_file, None)
    assert (found.result, "chmod 600" in (found.advice or "")) == (result, result is Result.WARNING)


def test_feeds_that_everybody_can_change_are_a_warning(nowhere: Path) -> None:
    (nowhere / "feeds.toml").touch()
    (nowhere / "feeds.toml").chmod(0o666)
    found = checks(nowhere)["files of settings"]
    assert (found.result, found.advice) == (Result.WARNING, f"chmod o-w {nowhere / 'feeds.toml'}")


def test_an_address_for_notifications_must_be_of_a_known_service(nowhere: Path) -> None:
    assert checks(nowhere)["notifications"].result is Result.OK
    found = checks(nowhere, notify_url="nosuch://hush")["notifications"]
    assert (found.result, "hush" in str(found)) == (Result.PROBLEM, False)


@pytest.mark.parametrize(
    ("state", "result", "words"),
    [(0x40, Result.WARNING, "nothing keeps"), (0x2001, Result.OK, "kept right"), (None, Result.OK, "does not say")],
)
def test_a_clock_that_nothing_keeps_right_is_a_warning(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, state: int | None, result: Result, words: str
) -> None:
    monkeypatch.setattr(machine, "TIMESYNCD", Path("/nowhere"))
    monkeypatch.setattr(machine, "_clock_state", lambda: state)
    found = checks(nowhere)["clock synchronisation"]
    assert (found.result, words in found.detail) == (result, True)


def test_the_kernel_says_how_the_clock_is_kept() -> None:
    state = CLOCK_STATE()
    assert state is None or 0 <= state < 2**16


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
    assert checks(nowhere, timezone="Europe/Paris")["clock"].detail == "2026-11-24 04:30:00 UTC, 05:30 in Europe/Paris"


def limit(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _: (number, number))


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


def disk(monkeypatch: pytest.MonkeyPatch, free: int, files: int = 10**6) -> None:
    system = SimpleNamespace(f_bavail=free // 1000, f_frsize=1000, f_files=10**7, f_favail=files)
    monkeypatch.setattr(archive.os, "statvfs", lambda _: system)


@pytest.mark.parametrize(
    ("free", "min_free", "result"),
    [
        (99_000_000, 1, Result.PROBLEM),
        (1_999_000_000, 2 * 10**9, Result.WARNING),
        (2 * 10**9, 2 * 10**9, Result.OK),
    ],
)
def test_little_space_is_a_warning_and_hardly_any_a_problem(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, free: int, min_free: int, result: Result
) -> None:
    disk(monkeypatch, free)
    found = checks(nowhere, min_free=min_free)["disk space"]
    assert (found.result, found.kind) == (result, Kind.STORAGE)


@pytest.mark.parametrize(("free", "result"), [(14 * 10**9, Result.OK), (13 * 10**9, Result.WARNING)])
def test_a_disk_that_is_full_within_two_weeks_is_a_warning(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, free: int, result: Result
) -> None:
    made(nowhere)
    disk(monkeypatch, free)
    grown = Usage(articles=0, raw=0, database=0, free=free, per_day=1e9)
    monkeypatch.setattr(archive, "usage", lambda *_: grown)
    found = checks(nowhere)["disk space"]
    assert (found.result, f"enough for {free // 10**9} days at 1GB a day" in found.detail) == (result, True)


def test_little_room_for_files_is_a_warning(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(monkeypatch, 10**12, files=100)
    assert checks(nowhere)["room for files"].result is Result.WARNING


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
    monkeypatch.setattr(archive.os, "access", lambda path, mode: Path(path).name not in names and ACCESS(path, mode))


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
    monkeypatch.setattr(archive.os, "geteuid", lambda: 4_000_000)
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
    found = check_server_clocks([answer(NOW + timedelta(seconds=ahead))])
    assert (found.result, words in found.detail) == (result, True)


def test_one_server_that_is_wrong_does_not_make_the_clock_wrong() -> None:
    answers = [answer(NOW), answer(NOW + timedelta(days=3)), answer(NOW - timedelta(seconds=1))]
    assert check_server_clocks(answers).result is Result.OK


def test_the_time_an_answer_spent_in_a_cache_or_on_the_way_counts() -> None:
    assert check_server_clocks([answer(NOW - timedelta(hours=1), age="3600")]).result is Result.OK
    assert check_server_clocks([answer(NOW - timedelta(seconds=30), seconds=30.0)]).result is Result.OK
    assert check_server_clocks([answer(NOW - timedelta(seconds=30))]).result is Result.WARNING


def test_servers_that_do_not_say_the_time_say_nothing_of_the_clock() -> None:
    found = check_server_clocks([answer(None), answer("yesterday")])
    assert (found.result, found.detail) == (Result.OK, "no server said what time it has")


def test_a_server_s_date_at_the_end_of_time_says_nothing() -> None:
    found = check_server_clocks([answer("Fri, 31 Dec 9999 23:59:59 GMT", age="60"), answer(NOW)])
    assert (found.result, "median of 1" in found.detail) == (Result.OK, True)


# -- what the archive says of itself -----------------------------------------------------------------------------------


@contextmanager
def store(directory: Path) -> Iterator[Database]:
    file = directory / "data" / "veille.db"
    if not file.exists():
        made(directory)
    with closing(open_database(f"sqlite:///{file}")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("days", "good", "settings", "result", "words"),
    [
        (7, True, {}, Result.OK, "2026-11-17 05:30 CET: 12 records, all sound"),
        (9, True, {}, Result.WARNING, "9d ago, 2026-11-15 05:30 CET: 12 records, all sound; it is due at sun 03:00"),
        (9, True, {"verify_at": "off"}, Result.OK, "12 records"),
        (1, False, {}, Result.PROBLEM, "12 records"),
    ],
)
def test_the_last_check_of_the_archive_must_be_good_and_of_the_last_days(
    nowhere: Path, days: int, good: bool, settings: dict[str, Any], result: Result, words: str
) -> None:
    with store(nowhere) as opened:
        opened.note(Note("verify", NOW - timedelta(days=days), good, "12 records, all sound"))
    found = checks(nowhere, timezone="Europe/Paris", **settings)["last check of all"]
    assert (found.result, words in found.detail) == (result, True), found.detail


def test_an_archive_that_was_never_checked_is_said_to_be_so(nowhere: Path) -> None:
    made(nowhere)
    assert "has not been checked yet" in checks(nowhere)["last check of all"].detail


def sealed(opened: Database, directory: Path, size: int) -> Path:
    path = directory / "data" / "articles" / "date=2026-11-23" / "bcdfgh-0001.jsonl.gz"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * size)
    name = str(path.relative_to(directory / "data"))
    one = Sealed(name.removesuffix(".gz"), name, 1, 10, "0" * 64, None, None, 0)
    opened.seal(one)
    manifest.append(directory / "data", manifest.line_of(one))
    return path


def test_sealed_files_must_be_there_with_their_size(nowhere: Path) -> None:
    with store(nowhere) as opened:
        path = sealed(opened, nowhere, 10)
        assert checks(nowhere)["archive files"].detail == "1 file, all there, none too short"
        path.write_bytes(b"x" * 9)
        found = checks(nowhere)["archive files"]
        assert (found.result, found.kind) == (Result.PROBLEM, Kind.STORAGE)
        assert found.detail.endswith("has 9 bytes, not the 10 it was sealed with")
        path.unlink()
        assert checks(nowhere)["archive files"].detail.endswith("is missing")


def test_a_file_shorter_than_what_was_committed_is_a_problem(nowhere: Path) -> None:
    with store(nowhere) as opened:
        opened.commit_raw("raw/date=2026-11-23/bcdfgh-0001.warc.gz", 100, ())
        path = nowhere / "data" / "raw" / "date=2026-11-23" / "bcdfgh-0001.warc.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * 120)  # what a crash left behind is the next start's affair
        assert checks(nowhere)["archive files"].result is Result.OK
        path.write_bytes(b"x" * 99)
        assert "has 99 bytes, less than the 100 that were committed" in checks(nowhere)["archive files"].detail


def test_troubles_that_last_are_told_and_those_that_are_over_are_not(nowhere: Path) -> None:
    with store(nowhere) as opened:
        opened.save_alerts([Alert(Trouble.SILENT, "one", "nothing new", NOW, over=NOW)])
        assert checks(nowhere)["troubles"].result is Result.OK
        opened.save_alerts([Alert(Trouble.FAILING, "two", "status 503", NOW)])
        found = checks(nowhere)["troubles"]
    assert (found.result, found.detail) == (Result.WARNING, "two, since 2026-11-24 04:30 UTC: status 503")


@pytest.mark.parametrize(
    ("text", "good", "words"),
    [
        ("stopped as asked", True, None),
        ("ended: no room", False, "ended: no room"),
        ("veille 1.0, process 7, 2 feeds", True, "it ended without a word, after 2026-11-24 04:30 UTC"),
    ],
)
def test_how_the_service_ended_is_told_where_it_should_not_have(
    nowhere: Path, text: str, good: bool, words: str | None
) -> None:
    with store(nowhere) as opened:
        opened.note(Note("service", NOW, good, text))
    found = checks(nowhere).get("last end")
    assert (found is None) == (words is None)
    assert found is None or (found.result, words in found.detail) == (Result.WARNING, True)
    with DirectoryLock(nowhere / "data"):
        assert "last end" not in checks(nowhere)


def test_a_reload_that_was_refused_is_told_until_the_next_start(nowhere: Path) -> None:
    with store(nowhere) as opened:
        opened.note(Note("reload", NOW, False, "refused: feeds.toml:3"))
        assert "feeds.toml:3" in checks(nowhere)["last reload"].detail
        opened.note(Note("service", NOW + timedelta(minutes=1), True, "stopped as asked"))
        assert "last reload" not in checks(nowhere)


# -- metrics -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reasons", "result"), [((), Result.OK), (("the disk is full",), Result.WARNING)])
def test_metrics_that_veille_serves_are_its_own(nowhere: Path, reasons: tuple[str, ...], result: Result) -> None:
    made(nowhere)
    with serving(Address("127.0.0.1", 0), Metrics("1.0", NOW), lambda: (), lambda: reasons) as address:
        with DirectoryLock(nowhere / "data"):
            found = checks(nowhere, metrics_bind=str(address))["metrics"]
        another = checks(nowhere, metrics_bind=str(address))["metrics"]
    assert (another.result, "another program answers" in another.detail) == (Result.PROBLEM, True)
    assert (found.result, f"served at {address}" in found.detail) == (result, True)
    assert all(reason in found.detail for reason in reasons)


def test_a_port_that_another_program_has_is_a_problem(nowhere: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        def greet() -> None:
            with other.accept()[0] as client:
                client.sendall(b"220 mail\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        assert checks(nowhere, metrics_bind=str(port))["metrics"].result is Result.PROBLEM
        thread.join()
    assert checks(nowhere, metrics_bind=str(port))["metrics"].detail == f"127.0.0.1:{port} is free for veille run"


def test_metrics_that_are_not_served_beside_a_veille_at_work_are_a_warning(nowhere: Path) -> None:
    made(nowhere)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    with DirectoryLock(nowhere / "data"):
        assert checks(nowhere, metrics_bind=str(port))["metrics"].result is Result.WARNING


def test_an_address_of_another_machine_is_a_problem(nowhere: Path) -> None:
    assert "no such address" in checks(nowhere, metrics_bind="192.0.2.1:9464")["metrics"].detail
