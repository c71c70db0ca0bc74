"""The data directory: rights, room, database, files, and what the service itself has noted of its archive."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from service.health.finding import Check, Kind, Result, existing, in_a_few, is_there, me, user
from service.settings import PREFIX, Settings
from service.units import format_duration, format_size
from storage.checkup import check_up
from storage.database import open_database
from storage.errors import CorruptDatabaseError, SchemaError, StorageError
from storage.lock import holder
from storage.model import Note
from storage.stock import take_stock
from storage.store import Store
from storage.usage import Usage, usage

NO_SPACE = 100_000_000
"""Bytes: less than a day of many feeds, and a database that cannot grow."""
FEW_FILES = 10_000
"""Inodes."""
FEW_DAYS = 14
"""Of room at the present rate."""
LAST_CHECK = timedelta(days=8)
"""After how long a weekly check of the archive is overdue."""
DATABASE = "veille.db"
STOPPED = "stopped as asked"
"""What the service notes last where all went well."""

_MAKE_AGAIN = "put back a backup, or veille verify --repair: it is set aside, and made again from the records"

Time = Callable[[datetime], str]
"""A moment as people are shown it."""


def _told(name: str, result: Result, detail: str, advice: str | None = None) -> Check:
    return Check(name, result, detail, advice, Kind.STORAGE)


# -- rights ------------------------------------------------------------------------------------------------------------


def check_directory(directory: Path) -> Check:
    """Whether this user may read and write the archive, and all of it is one user's."""
    name = "data directory"
    if not is_there(directory):
        parent = existing(directory)
        if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
            return _told(name, Result.OK, f"{directory}: not there yet, the first crawl makes it")
        told = f"{directory}: not there, as far as {me()} may see, and {me()} cannot make it in {parent}"
        cure = f"name another in {PREFIX}DATA_DIR, or: install -d -o {me()} {directory} (as root)"
        return _told(name, Result.PROBLEM, told, cure)
    if not directory.is_dir():
        return _told(name, Result.PROBLEM, f"{directory}: this is no directory", f"name one in {PREFIX}DATA_DIR")
    number = directory.stat().st_uid
    owner, cure = user(number), f"chown -R {number} {directory}"
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        told = f"{directory}: it is {owner}'s, and {me()} cannot write it"
        return _told(name, Result.PROBLEM, told, f"run veille as {owner}, or chown -R {me()} {directory} (as root)")
    parts = list(_parts(directory))
    if closed := [part for part in parts if not os.access(directory / part, _needed(directory / part))]:
        told = f"{directory}: {me()} cannot write {in_a_few(closed)} in it"
        return _told(name, Result.PROBLEM, told, f"{cure} (as root)")
    if others := [part for part in parts if (directory / part).stat().st_uid != number]:
        told = f"{directory}: it is {owner}'s, but not {in_a_few(others)} in it, which {owner} may not change"
        return _told(name, Result.WARNING, told, f"{cure} (as root)")
    if number != os.geteuid():
        if os.geteuid() == 0:  # who looks, beside a service that has a user of its own
            return _told(name, Result.OK, f"{directory}: {owner}'s own", f"let {owner} alone write: no crawl as root")
        told = f"{directory}: it is {owner}'s: what {me()} writes there, {owner} may not change"
        return _told(name, Result.WARNING, told, f"run veille as {owner}")
    return _told(name, Result.OK, f"{directory}: writable, and {me()}'s own")


def _parts(directory: Path) -> Iterator[str]:
    """What lies in it, and the folders of the days."""
    for path in sorted(directory.iterdir()):
        yield path.name
        if path.name in {"articles", "raw"} and path.is_dir() and os.access(path, os.R_OK | os.X_OK):
            yield from (f"{path.name}/{day.name}" for day in sorted(path.iterdir()))


def _needed(path: Path) -> int:
    return os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0)


# -- room --------------------------------------------------------------------------------------------------------------


def check_space(settings: Settings, now: datetime) -> Iterator[Check]:
    """Room on the disk, in bytes and days, and for files."""
    directory = existing(settings.data_dir)
    try:
        room = usage(settings.data_dir, now) if settings.data_dir.is_dir() else None
    except OSError:
        room = None
    system = os.statvfs(directory)
    yield _room(directory, system.f_bavail * system.f_frsize, room, settings.min_free)
    name, detail = "room for files", f"{system.f_favail} more in the file system of {directory}"
    if not system.f_files:
        yield _told(name, Result.OK, "as many as there is space for")
    elif system.f_favail < FEW_FILES:
        yield _told(name, Result.WARNING, detail, "remove files there (df -i shows how many there are)")
    else:
        yield _told(name, Result.OK, detail)


def _room(directory: Path, free: int, room: Usage | None, least: int) -> Check:
    name, cure = "disk space", "make room, or move the archive to a larger disk"
    detail = f"{format_size(free)} free in the file system of {directory}"
    days = room.days_left if room is not None else None
    if room is not None and room.per_day and days is not None:
        rate = f"{format_size(int(room.per_day))} a day"
        detail += f", enough for {f'{days:.0f} days' if days < 10_000 else 'decades'} at {rate}"
    if free < NO_SPACE:
        return _told(name, Result.PROBLEM, detail, cure)
    if free < least:
        return _told(name, Result.WARNING, f"{detail}; less than {PREFIX}MIN_FREE={format_size(least)}", cure)
    if days is not None and days < FEW_DAYS:
        return _told(name, Result.WARNING, detail, cure)
    return _told(name, Result.OK, detail)


# -- the database ------------------------------------------------------------------------------------------------------


def check_database(settings: Settings) -> Check:
    """Whether the database opens, and is sound."""
    name, file = "database", settings.data_dir / DATABASE
    if settings.database_url is None and not os.access(settings.data_dir, os.X_OK) and is_there(settings.data_dir):
        return _told(name, Result.PROBLEM, f"{file} cannot be looked at: {me()} may not enter its directory")
    if settings.database_url is None and not is_there(file):
        if is_there(settings.data_dir) and any(settings.data_dir.glob("articles/*/*.jsonl*")):
            cure = "nothing: the next crawl makes it again from the records, but for the times of polls"
            return _told(name, Result.WARNING, f"{file} is missing", cure)
        return _told(name, Result.OK, "none yet, the first crawl makes it")
    try:
        found = check_up(settings.database)
    except SchemaError as error:
        return _told(
            name, Result.PROBLEM, str(error), "a newer veille has used it: install that, or a backup of before"
        )
    except CorruptDatabaseError as error:
        return _told(name, Result.PROBLEM, str(error), _MAKE_AGAIN)
    except StorageError as error:
        cure = (
            "see above for its directory" if settings.database_url is None else "is its server up, and the URL right?"
        )
        return _told(name, Result.PROBLEM, str(error), cure)
    if found.damage is not None:
        return _told(name, Result.PROBLEM, f"it is damaged ({found.damage})", _MAKE_AGAIN)
    detail = f"revision {found.revision}"
    if found.bytes is not None:
        size = format_size(found.bytes)
        detail += f", {size}, read through and sound" if found.read_through else f", {size}, too large to read through"
    if found.is_older:
        cure = "nothing: the next crawl or run brings it up to date"
        return _told(name, Result.WARNING, f"{detail}, of an earlier version", cure)
    return _told(name, Result.OK, f"{detail}, opens")


# -- the archive -------------------------------------------------------------------------------------------------------


def check_archive(settings: Settings, now: datetime, time: Time, process: int | None) -> Iterator[Check]:
    """What a start would look at in the files, and what was noted of archive and service.

    ``process`` is the one that holds the archive now.
    """
    if settings.database_url is None and not is_there(settings.data_dir / DATABASE):
        return
    try:
        with closing(open_database(settings.database, readonly=True)) as store:
            yield _check_files(settings.data_dir, store)
            yield _check_index(store)
            notes = store.notes()
            yield _check_last_check(notes.get("verify"), settings, now, time)
            yield from _check_notes(notes, time, is_held=process is not None)
            yield _check_alerts(store, time)
    except StorageError:
        return  # the database's own check has told of it


def _check_files(directory: Path, store: Store) -> Check:
    try:
        stock = take_stock(directory, store)
    except OSError as error:
        told = f"{error.filename}: {error.strerror}"
        return _told("archive files", Result.PROBLEM, told, "give the user of veille the right to read it")
    if stock.misfits:
        cure = (
            "put the files back from a backup; veille verify lists all damage. Without a backup take the damaged files "
            "away: veille verify --rebuild goes on without them"
        )
        return _told("archive files", Result.PROBLEM, in_a_few(list(stock.misfits), 3), cure)
    count = f"{stock.files} file{'' if stock.files == 1 else 's'}"
    return _told("archive files", Result.OK, f"{count}, all there, none too short" if stock.files else "none yet")


def _check_index(store: Store) -> Check:
    if store.is_indexed() or not store.balance()[1]:
        return _told("index of texts", Result.OK, "whole")
    told = "it does not hold every record"
    cure = "nothing: the next start makes it, in some minutes for a hundred thousand records"
    return _told("index of texts", Result.WARNING, told, cure)


def _check_last_check(checked: Note | None, settings: Settings, now: datetime, time: Time) -> Check:
    name, cure = "last check of all", "veille verify checks it now"
    if checked is None:
        when = f"veille run does it at {settings.verify_at}" if settings.verify_at else f"{PREFIX}VERIFY_AT is off"
        return _told(name, Result.OK, f"the whole archive has not been checked yet; {when}", cure)
    detail = f"{time(checked.at)}: {checked.text}"
    if not checked.is_good:
        return _told(
            name, Result.PROBLEM, detail, "veille verify lists all of it; see docs/operating.md, When it is damaged"
        )
    if settings.verify_at is not None and (ago := now - checked.at) > LAST_CHECK:
        told = f"{format_duration(timedelta(days=ago.days))} ago, {detail}; it is due at {settings.verify_at}"
        return _told(name, Result.WARNING, told, f"keep veille run running, which makes up for it; {cure}")
    return _told(name, Result.OK, detail)


def _check_notes(notes: Mapping[str, Note], time: Time, *, is_held: bool) -> Iterator[Check]:
    service, reload, pulse = (notes.get(topic) for topic in ("service", "reload", "pulse"))
    if service is not None and not service.is_good and not is_held:
        told = f"{time(service.at)}: {service.text}"
        yield Check("last end", Result.WARNING, told, "mend that, then start the service again")
    if service is not None and service.is_good and service.text != STOPPED and not is_held:
        told = f"it ended without a word, after {time(max(service.at, pulse.at if pulse else service.at))}"
        cure = "start it again, nothing is lost; the journal, or dmesg where memory ran out, says what killed it"
        yield Check("last end", Result.WARNING, f"{told}: killed, or the machine went off", cure)
    if reload is not None and not reload.is_good and (service is None or reload.at > service.at):
        yield Check(
            "last reload", Result.WARNING, f"{time(reload.at)}: {reload.text}", "correct that, and reload again"
        )


def _check_alerts(store: Store, time: Time) -> Check:
    lasting = [alert for alert in store.alerts() if alert.over is None]
    if not lasting:
        return Check("troubles", Result.OK, "none that last")
    words = [f"{alert.subject or 'archive'}, since {time(alert.since)}: {alert.detail}" for alert in lasting]
    return Check("troubles", Result.WARNING, in_a_few(words, 3), "veille status tells more of each")


def check_holder(directory: Path) -> tuple[Check, int | None]:
    """Whether a veille is at work there, and which process it is."""
    try:
        process = holder(directory)
    except OSError as error:
        return _told("at work", Result.OK, f"not known: {error.strerror}"), None
    if process is None:
        return _told("at work", Result.OK, "no veille is at work here now"), None
    return _told("at work", Result.OK, f"process {process} holds the archive: veille is at work here"), process
