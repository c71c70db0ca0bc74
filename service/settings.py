"""The settings: frozen, checked as a whole, read from the environment, then from ``.env``; nothing else reads those."""

import difflib
import logging
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.choices import KeepRaw, LogFormat, LogLevel, TdmPolicy
from service.errors import SettingsError
from service.fields import Duration, Items, ListeningAt, Recurring, Size, lower
from service.origins import PREFIX as PREFIX
from service.origins import Origins, find_origins
from service.units import (
    TimeOfDay,
    format_duration,
    format_size,
)
from storage.model import Scope

SECRETS = ("database_url", "notify_url")
"""Settings that may be given as a file holding the value: ``VEILLE_DATABASE_URL_FILE=/run/credentials/…``."""


class Settings(BaseSettings):
    """Every setting, its default and a line of help. Durations read as ``15m``, sizes as ``10MB``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", validate_default=False
    )

    data_dir: Path = Field(Path("data"), description="Where the archive and its database lie.")
    feeds_file: Path | None = Field(
        None, description="The feeds to watch; empty: ./feeds.toml, or the shipped RFI catalogue where there is none."
    )
    database_url: str | None = Field(
        None, description="SQLAlchemy URL of the database; empty: SQLite in the data directory. Or ..._FILE."
    )
    contact: str | None = Field(
        None, description="Address or page by which a site's owner can reach you; goes into the User-Agent."
    )
    user_agent: str | None = Field(None, description="The whole User-Agent; empty: veille/VERSION (+CONTACT).")
    poll_interval: Duration = Field(
        timedelta(minutes=60), description="Where a feed's adaptive interval starts.", gt=timedelta(0)
    )
    poll_min: Duration = Field(
        timedelta(minutes=15), description="No feed is polled more often than this.", gt=timedelta(0)
    )
    poll_max: Duration = Field(
        timedelta(hours=24), description="No healthy feed is polled less often than this.", gt=timedelta(0)
    )
    host_delay: Duration = Field(
        timedelta(seconds=1), description="Pause between the end of an answer and the next request to its host."
    )
    concurrency: int = Field(
        64,
        description="Requests under way at once, over all hosts. Those that take over 2 s are not counted, "
        "up to 8 times as many.",
        ge=1,
        le=10_000,
    )
    workers: int = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)),
        description="Extraction processes; empty: as many as cores.",
        ge=1,
        le=1_024,
    )
    timeout: Duration = Field(
        timedelta(seconds=60), description="The longest one request may take, redirects included.", gt=timedelta(0)
    )
    max_bytes: Size = Field(10_000_000, description="Largest body on the wire; twice that inflated.", ge=1_000)
    allowed_networks: Items = Field(
        (), description="Networks that are not public but may be fetched from: 127.0.0.0/8, 10.1.0.0/16:8080."
    )
    keep_raw: Annotated[KeepRaw, BeforeValidator(lower)] = Field(
        KeepRaw.ALL, description="Raw copies (WARC) of the pages and feed documents behind the records: all or none."
    )
    dedup: Annotated[Scope, BeforeValidator(lower)] = Field(
        Scope.BOILERPLATE,
        description="Paragraphs that go: off, article (its repeats), boilerplate (the feed's too), all (known ones).",
    )
    boilerplate_articles: int = Field(
        5, description="Articles of a feed a paragraph has stood in, at head or tail, before it is boilerplate.", ge=2
    )
    boilerplate_days: int = Field(3, description="Days on which those were archived, at least.", ge=1)
    tdm_policy: Annotated[TdmPolicy, BeforeValidator(lower)] = Field(
        TdmPolicy.RECORD, description="Pages that say noarchive or tdm-reservation: record it, or skip them."
    )
    timezone: str = Field(
        "UTC", description="Time zone of times shown to people, and of the two below; records are always UTC."
    )
    digest_at: Recurring = Field(
        TimeOfDay(8, 0), description="When veille run sums up the last day: 08:00, or mon 08:00 once a week; off."
    )
    verify_at: Recurring = Field(
        TimeOfDay(3, 0, "sun"), description="When veille run checks the whole archive: sun 03:00, 03:00 daily; off."
    )
    min_free: Size = Field(
        1_000_000_000, description="Room on the disk below which it is said to be low, and the service not ready."
    )
    log_level: Annotated[LogLevel, BeforeValidator(lower)] = Field(
        LogLevel.INFO, description="debug, info, warning or error."
    )
    log_format: Annotated[LogFormat, BeforeValidator(lower)] = Field(
        LogFormat.AUTO, description="console, json, or auto: console on a terminal, JSON elsewhere."
    )
    metrics_bind: ListeningAt = Field(
        None, description="Where veille run serves /metrics, /healthz and /readyz: 9464 (on 127.0.0.1), or HOST:PORT."
    )
    notify_url: SecretStr | None = Field(
        None, description="Whom to tell of trouble: addresses as Apprise writes them, with spaces between. Or ..._FILE."
    )

    @field_validator("database_url")
    @classmethod
    def _a_database(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("sqlite:", "postgresql:", "postgresql+psycopg:")):
            raise ValueError("it names no database: write sqlite:///FILE or postgresql+psycopg://…")
        return value

    @field_validator("notify_url")
    @classmethod
    def _somebody(cls, value: SecretStr | None) -> SecretStr | None:
        for address in value.get_secret_value().split() if value else ():
            if "://" not in address:
                raise ValueError("every address begins with its kind, as in mailto://, ntfy://, json://")
        return value

    @field_validator("user_agent", "contact")
    @classmethod
    def _in_a_header(cls, value: str | None) -> str | None:
        if value is not None and not (value.strip() and value.isascii() and value.isprintable()):
            raise ValueError("it goes into a header: printable ASCII characters only, and not only spaces")
        return value.strip() if value else None

    @field_validator("allowed_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        from service.net.addresses import AllowedNetwork

        for text in value:
            AllowedNetwork.parse(text)
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone; for example UTC or Europe/Paris") from None
        return value

    @model_validator(mode="after")
    def _order(self) -> "Settings":
        if self.poll_min > self.poll_max:
            raise ValueError(f"{PREFIX}POLL_MIN is longer than {PREFIX}POLL_MAX")
        return self

    def check_reload(self, before: "Settings | None") -> None:
        """Pass where these may take the place of others under a running service. Raises SettingsError."""
        if before is not None and (before.data_dir, before.database) != (self.data_dir, self.database):
            raise SettingsError(f"{PREFIX}DATA_DIR and {PREFIX}DATABASE_URL take a restart, not a reload, to change")

    @property
    def database(self) -> str:
        """The database's URL, the default filled in."""
        return self.database_url or f"sqlite:///{quote(str((self.data_dir / 'veille.db').absolute()))}"


def load(env_file: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings: ``overrides`` that are not None, then the environment, then ``env_file`` (or ``./.env``).

    Raises:
        SettingsError: one line for every wrong or unknown setting, with the file and line it stands in.
    """
    logging.getLogger("dotenv").setLevel(logging.ERROR)  # it warns of lines that are reported here, better
    found = origins(env_file)
    problems = list(found.problems)
    if not found.is_readable:
        raise SettingsError("\n".join(problems))
    problems += [f"{origin}: {problem}" for key, origin in found.first.items() if (problem := _unknown(key))]
    given = _secrets(env_file, problems) | {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings(_env_file=env_file or ".env", **given)
    except ValidationError as error:
        problems += [_describe(problem, found.first) for problem in error.errors()]
        raise SettingsError("\n".join(problems)) from None
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def origins(env_file: Path | None = None) -> Origins:
    """Where each setting is set. Reads the environment and ``env_file`` (or ``./.env``)."""
    return find_origins(env_file, os.environ)


def debugging() -> bool:
    """Whether ``VEILLE_LOG_LEVEL=debug`` asks for tracebacks; looks at the environment only, and cannot fail."""
    return os.environ.get(f"{PREFIX}LOG_LEVEL", "").lower() == LogLevel.DEBUG


def notify_socket() -> tuple[str | None, float | None]:
    """Where systemd listens for notifications, and the watchdog's interval in seconds; None where it asks for none."""
    watchdog = os.environ.get("WATCHDOG_USEC")
    return os.environ.get("NOTIFY_SOCKET"), int(watchdog) / 1_000_000 if watchdog else None


def journal_stream() -> str | None:
    """The device and inode of the journal's stream, as systemd names them: ``9:12345``; None elsewhere."""
    return os.environ.get("JOURNAL_STREAM")


def catalogue_path(settings: Settings) -> Path | None:
    """The feeds file in use: the one named, else ``./feeds.toml``; None where the shipped catalogue serves."""
    if settings.feeds_file is not None:
        return settings.feeds_file
    here = Path("feeds.toml")
    return here if here.exists() else None


def catalogue_name(settings: Settings) -> str:
    """Which feeds file is in use, wherever one is."""
    path = catalogue_path(settings)
    return "the shipped RFI catalogue" if path is None else str(path.absolute())


def example() -> str:
    """The text of ``.env.example``: every setting, a line of help and its default, commented out."""
    lines = [
        "# Settings of veille. Copy to .env and change what you need; a line that starts with # keeps its default.",
        "# The environment wins over this file. Durations read as 90s, 15m, 2h, 1d; sizes as 500KB, 10MB.",
    ]
    for name, field in Settings.model_fields.items():
        default = None if field.default_factory else field.default
        lines += ["", f"# {field.description}", f"#{PREFIX}{name.upper()}={written(default)}"]
    return "\n".join(lines) + "\n"


def written(value: Any) -> str:
    """A setting's value, as it is written in ``.env``."""
    match value:
        case None | ():
            return ""
        case tuple():
            return " ".join(value)
        case timedelta():
            return format_duration(value)
        case int() if value >= 1_000_000:
            return format_size(value)
        case _:
            return str(value)


def _unknown(key: str) -> str | None:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    known += [f"{PREFIX}{name.upper()}_FILE" for name in SECRETS]
    if key in known:
        return None
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.75)
    return f"{key} is no setting" + (f"; did you mean {close[0]}?" if close else "")


def _secrets(env_file: Path | None, problems: list[str]) -> dict[str, Any]:
    """Values of the secrets that are given as files; an empty file gives none."""
    named = dotenv_values(env_file or ".env") | dict(os.environ)
    secrets: dict[str, Any] = {}
    for name in SECRETS:
        key = f"{PREFIX}{name.upper()}_FILE"
        if path := named.get(key):
            try:
                if secret := Path(path).read_text(encoding="utf-8").strip():
                    secrets[name] = secret
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{key}: {path} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}")
    return secrets


def _describe(problem: Any, places: Mapping[str, str]) -> str:
    """One validation error in a person's words: where it stands, which setting, what is wrong."""
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if not problem["loc"]:
        return str(message)
    key = PREFIX + str(problem["loc"][0]).upper()
    place = f"{places.get(key, 'arguments')}: {key}:"
    is_told = problem["type"] == "value_error" and str(problem["input"]) in message
    if is_told or problem["loc"][0] in SECRETS:
        return f"{place} {message}"
    expected = "" if problem["type"] == "value_error" else "should be "
    return f"{place} {expected}{message} (it is {str(problem['input'])!r})"
