from datetime import timedelta
from pathlib import Path

import pytest

from service.errors import SettingsError
from service.settings import Settings, load
from storage.model import Scope


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No .env but the test's own, no VEILLE_ key from outside."""
    import os

    monkeypatch.chdir(tmp_path)
    for key in [key for key in os.environ if key.startswith("VEILLE_")]:
        monkeypatch.delenv(key)


def problems(env: str) -> list[str]:
    Path(".env").write_text(env, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load()
    return str(caught.value).splitlines()


def test_durations_and_sizes_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEILLE_POLL_INTERVAL", "90m")
    monkeypatch.setenv("VEILLE_MAX_BYTES", "5MB")
    settings = load()
    assert settings.poll_interval == timedelta(minutes=90)
    assert settings.max_bytes == 5_000_000


def test_the_environment_wins_over_the_file_and_arguments_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("VEILLE_DEDUP=off\nVEILLE_WORKERS=1\nVEILLE_DATA_DIR=here\n", encoding="utf-8")
    monkeypatch.setenv("VEILLE_WORKERS", "3")
    settings = load(data_dir=Path("there"))
    assert (settings.dedup, settings.workers, settings.data_dir) == (Scope.OFF, 3, Path("there"))


def test_an_empty_value_keeps_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEILLE_TIMEOUT", "")
    assert load().timeout == timedelta(seconds=60)


def test_an_unknown_key_is_an_error_with_a_suggestion_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEILLE_POL_INTERVAL", "5m")
    (in_file, in_environment) = problems("# a comment\nVEILLE_WORKER=2\n")
    assert in_file == ".env:2: VEILLE_WORKER is no setting; did you mean VEILLE_WORKERS?"
    assert in_environment == "environment: VEILLE_POL_INTERVAL is no setting; did you mean VEILLE_POLL_INTERVAL?"


def test_all_wrong_settings_are_reported_at_once_with_their_lines() -> None:
    lines = problems("VEILLE_WORKERS=none\n\nVEILLE_DEDUP=some\nVEILLE_TIMEOUT=soon\nVEILLE_TIMEZONE=Mars/Base\n")
    assert [line.split(": ")[:2] for line in sorted(lines)] == [
        [".env:1", "VEILLE_WORKERS"],
        [".env:3", "VEILLE_DEDUP"],
        [".env:4", "VEILLE_TIMEOUT"],
        [".env:5", "VEILLE_TIMEZONE"],
    ]
    assert all("'" in line or '"' in line for line in lines), lines


def test_a_line_that_is_no_setting_is_named() -> None:
    assert problems("VEILLE_WORKERS=1\nnot a setting at all!\n") == [".env:2: not of the form NAME=value"]


def test_a_floor_above_the_cap_is_refused() -> None:
    assert problems("VEILLE_POLL_MIN=2h\nVEILLE_POLL_MAX=1h\n") == ["VEILLE_POLL_MIN is longer than VEILLE_POLL_MAX"]


def test_a_network_that_is_none_is_refused() -> None:
    (line,) = problems("VEILLE_ALLOWED_NETWORKS=10.0.0.0/8,nowhere\n")
    assert line.startswith(".env:1: VEILLE_ALLOWED_NETWORKS: ")
    assert "nowhere" in line


def test_an_address_nobody_can_be_told_at_is_refused_without_being_shown() -> None:
    (line,) = problems("VEILLE_NOTIFY_URL=json://ok.example/ secret@nonsense\n")
    assert "begins with its kind" in line
    assert "secret" not in line


def test_addresses_of_those_to_be_told_are_kept_out_of_sight() -> None:
    settings = load(None, notify_url="json://user:secret@ok.example/")
    assert "secret" not in repr(settings)


def test_a_time_of_day_can_be_off() -> None:
    assert load(None, digest_at="off", verify_at="sat 4:30").digest_at is None


def test_a_secret_can_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("sqlite:////var/x.db\n", encoding="utf-8")
    monkeypatch.setenv("VEILLE_DATABASE_URL_FILE", str(tmp_path / "secret"))
    assert load().database == "sqlite:////var/x.db"


def test_an_empty_secret_file_counts_as_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("\n", encoding="utf-8")
    for name in ("DATABASE_URL", "NOTIFY_URL"):
        monkeypatch.setenv(f"VEILLE_{name}_FILE", str(tmp_path / "secret"))
    settings = load()
    assert (settings.database_url, settings.notify_url) == (None, None)
    monkeypatch.setenv("VEILLE_DATABASE_URL", "sqlite:////var/x.db")
    assert load().database == "sqlite:////var/x.db"


def test_a_secret_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEILLE_DATABASE_URL_FILE", "/nowhere/secret")
    assert problems("") == ["VEILLE_DATABASE_URL_FILE: /nowhere/secret cannot be read: No such file or directory"]


def test_a_named_env_file_must_be_there() -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.env: cannot be read: No such file"):
        load(Path("nowhere.env"))


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().workers = 9  # type: ignore[misc]


def test_workers_default_to_the_cores_at_hand() -> None:
    assert Settings.model_fields["workers"].default_factory is not None
    assert load().workers >= 1


def test_an_env_file_that_is_no_text_is_one_clear_line() -> None:
    Path(".env").write_bytes(b"VEILLE_WORKERS=1\n\xff\xfe")
    with pytest.raises(SettingsError, match=r"^\.env: cannot be read: it is not UTF-8 text$"):
        load()


def test_times_and_addresses_are_read_from_the_environment_as_they_are_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("VEILLE_METRICS_BIND=9464\nVEILLE_DIGEST_AT=off\n", encoding="utf-8")
    monkeypatch.setenv("VEILLE_VERIFY_AT", "sun 3:00")
    settings = load(tmp_path / ".env")
    assert (str(settings.metrics_bind), settings.digest_at, str(settings.verify_at)) == (
        "127.0.0.1:9464",
        None,
        "sun 03:00",
    )


@pytest.mark.parametrize("url", ["foo", "mysql://h/d", "/var/lib/veille.db"])
def test_a_database_url_that_names_no_database_is_a_wrong_setting(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEILLE_DATABASE_URL", url)
    with pytest.raises(SettingsError) as caught:
        load()
    assert str(caught.value) == (
        "environment: VEILLE_DATABASE_URL: it names no database: write sqlite:///FILE or postgresql+psycopg://…"
    )
