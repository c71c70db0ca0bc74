"""What a service needs of the machine it runs on, and whether it has it. Looks only: nothing is made or locked.

settings ─ rights ─ feeds ─ clock ─ data directory ─ database ─ files ─ notes ─ units ─▶ a Check each, and what to do
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from service.health import archive, configuration, listening, machine, units
from service.health.finding import Check, Kind, Result
from service.health.machine import check_server_clocks
from service.origins import Origins
from service.settings import Settings
from storage.model import Feed

__all__ = ["Check", "Found", "Kind", "Result", "check_machine", "check_server_clocks"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a command was given, and where it found it."""

    settings: Settings
    origins: Origins
    env_file: Path
    feeds: Sequence[Feed]
    catalogue: Path | None
    """The feeds file; None: the shipped one."""
    given: Mapping[str, str] = field(default_factory=dict)
    """Settings from the command line, by field, and the option of each."""


def check_machine(found: Found, now: datetime, *, with_defaults: bool = False) -> Iterator[Check]:
    """All that can be told without a network, in the order in which one thing needs the other.

    Args:
        found: What to look at.
        now: The time, aware.
        with_defaults: Whether settings that are not set are told too.
    """
    settings, zone = found.settings, ZoneInfo(found.settings.timezone)

    def time(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"

    with ThreadPoolExecutor(1) as beside:  # the services for notifications take their time to load
        notify = beside.submit(asyncio.run, configuration.check_notify(settings))
        yield from configuration.check_settings(
            settings, found.origins, found.env_file, found.given, with_defaults=with_defaults
        )
        yield configuration.check_rights(settings, found.origins, found.env_file, found.catalogue)
        yield configuration.check_feeds(found.feeds, found.catalogue)
        yield configuration.check_contact(settings)
        yield machine.check_clock(settings, now)
        yield machine.check_synchronisation()
        yield archive.check_directory(settings.data_dir)
        yield from archive.check_space(settings, now)
        at_work, process = archive.check_holder(settings.data_dir)
        yield at_work
        yield archive.check_database(settings)
        yield from archive.check_archive(settings, now, time, process)
        yield from units.check_units(settings)
        yield notify.result()
        yield listening.check_metrics(settings, process)
        yield machine.check_open_files(settings)
        yield machine.check_workers(settings)
        yield machine.check_certificates()
