"""What a service needs of the machine it runs on, and whether it has it. Looks only: nothing is made or locked."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from service.health.check import Check, Kind, Result
from service.health.clock import check_clock, check_own_clock
from service.health.machine import check_certificates, check_open_files, check_units, check_workers
from service.health.setup import check_contact, check_feeds, check_metrics, check_notices, check_settings
from service.health.storage import check_archive, check_database, check_directory, check_lock, check_space
from service.settings import Settings
from storage.lock import holder
from storage.model import Feed

__all__ = ["Check", "Kind", "Result", "check_clock", "check_machine"]


def check_machine(
    settings: Settings, env_file: Path | None, feeds: Sequence[Feed], catalogue: Path | None, now: datetime
) -> Iterator[Check]:
    """All that can be told without a network, in the order in which one thing needs the other."""
    yield check_settings(settings, env_file or Path(".env"))
    yield check_feeds(feeds, catalogue)
    yield check_contact(settings)
    yield check_own_clock(settings, now)
    yield check_directory(settings.data_dir)
    yield check_space(settings, now)
    yield check_lock(settings.data_dir)
    yield check_database(settings)
    yield check_archive(settings, now)
    yield check_open_files(settings)
    yield check_workers(settings)
    yield check_certificates()
    yield check_units()
    yield check_notices(settings)
    yield check_metrics(settings, _running(settings.data_dir))


def _running(directory: Path) -> int | None:
    try:
        return holder(directory)
    except OSError:
        return None
