"""All that ``veille status`` tells, looked at in one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.app import open_readonly
from service.settings import Settings
from service.vitals import Vitals, gather
from storage.lock import holder
from storage.model import Alert, Feed, Note
from storage.usage import Usage, usage


@dataclass(frozen=True, slots=True)
class Situation:
    """How the service, its feeds and its archive do at a moment."""

    at: datetime
    settings: Settings
    feeds: tuple[Vitals, ...]
    """Failing ones first, then silent ones, then by name."""
    reasons: Mapping[tuple[str, str], int]
    notes: Mapping[str, Note]
    alerts: Sequence[Alert]
    """Those that last."""
    usage: Usage | None
    """None: the directory cannot be looked at."""
    process: int | None
    """The one that holds the archive; None where none is seen to."""

    @property
    def watched(self) -> list[Vitals]:
        """The feeds that are on."""
        return [one for one in self.feeds if one.is_watched]


def look(settings: Settings, feeds: Sequence[Feed], now: datetime) -> Situation:
    """Look. Raises StorageError where the database cannot be read."""
    with open_readonly(settings) as store:
        vitals = gather(store, feeds, now)
        reasons, notes, alerts = store.reasons(), store.notes(), store.alerts()
    try:
        room, process = usage(settings.data_dir, now), holder(settings.data_dir)
    except OSError:
        room, process = None, None
    return Situation(
        now,
        settings,
        tuple(sorted(vitals, key=lambda one: (not one.is_failing, not one.is_silent, one.name))),
        reasons,
        notes,
        [alert for alert in alerts if alert.over is None],
        room,
        process,
    )
