"""All that ``veille status`` tells, looked at in one moment."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.settings import Settings, catalogue_name
from service.vitals import HOUR, Vitals, gather
from storage.database import open_database
from storage.lock import holder
from storage.model import Alert, Feed, Gap, Health, Note
from storage.usage import Usage, usage

FRESH = timedelta(minutes=3)
"""How old the service's last sign of life may be, of which it leaves two a minute."""
LATE = HOUR
"""How long after a feed was due nobody may have come to it, though hosts are asked one feed after the other."""


@dataclass(frozen=True, slots=True)
class Situation:
    """How the service, its feeds and its archive do at a moment."""

    at: datetime
    settings: Settings
    feeds: tuple[Vitals, ...]
    """Failing ones first, then silent ones, then by name; in the end those that are not watched."""
    reasons: Mapping[tuple[str, str], int]
    notes: Mapping[str, Note]
    alerts: Sequence[Alert]
    """Those that last."""
    usage: Usage | None
    """None: the directory cannot be looked at."""
    process: int | None
    """The one that holds the archive; None where none is seen to."""
    problem: str | None = None
    """Why the feeds that are shown are not those that are watched."""

    @property
    def watched(self) -> list[Vitals]:
        """The feeds that are on."""
        return [one for one in self.feeds if one.is_watched]

    @property
    def gaps(self) -> list[Gap]:
        """Those of all feeds, newest first."""
        return sorted((gap for one in self.feeds for gap in one.gaps), key=lambda gap: gap.end, reverse=True)

    @property
    def is_running(self) -> bool:
        """Whether a process holds the archive, or the service gives signs of life where its processes are not seen."""
        pulse = self.notes.get("pulse")
        is_alive = pulse is not None and self.at - pulse.at < FRESH
        return self.process is not None or (is_alive and not self.has_stopped)

    @property
    def has_stopped(self) -> bool:
        """Whether the service has said of itself that it ended, in whatever way, after its last sign of life."""
        said, pulse = self.notes.get("service"), self.notes.get("pulse")
        if said is None or (pulse is not None and pulse.at > said.at):
            return False
        return not said.is_good or said.text.startswith("stopped")

    @property
    def has_died(self) -> bool:
        """Whether the service has ended without a word."""
        return "service" in self.notes and not self.is_running and not self.has_stopped

    @property
    def late(self) -> list[Vitals]:
        """Feeds that nobody has come to since they were due, those that have waited longest first."""
        due = [(one.state.next_due, one) for one in self.watched if one.state is not None and not _is_gone(one)]
        late = [(since, one) for since, one in due if since is not None and self.at - since > LATE]
        return [one for _, one in sorted(late, key=lambda pair: (pair[0], pair[1].name))]

    @property
    def unusual(self) -> list[Vitals]:
        """Feeds that answer, but brought more or less in a day than they use to; the most unusual first.

        Those are left out of which more is known: that they are silent, or that nobody came to them.
        """
        late = {one.name for one in self.late}
        found = [
            (abs(volume.last - volume.mean) / volume.sigma, one)
            for one in self.watched
            if (volume := one.volume) is not None and volume.is_unusual and not one.is_failing and not one.is_silent
            if one.name not in late
        ]
        return [one for _, one in sorted(found, key=lambda pair: (-pair[0], pair[1].name))]

    def bad_notes(self) -> list[Note]:
        """What the service says of itself that is wrong, and still is."""
        said = self.notes.get("service")
        return [
            note
            for note in self.notes.values()
            # a refused reload is past where the service has been started since
            if not note.is_good and not (note.topic == "reload" and said is not None and said.at > note.at)
        ]


def look(settings: Settings, feeds: Sequence[Feed] | None, now: datetime, problem: str | None = None) -> Situation:
    """Look. Raises StorageError where the database cannot be read.

    Args:
        settings: Where to look.
        feeds: The catalogue; None: it cannot be read, and every feed that was ever polled is looked at.
        now: The time, aware.
        problem: What is wrong with the catalogue.
    """
    with closing(open_database(settings.database, readonly=True)) as store:
        if feeds is None:
            feeds = [Feed(name, state.url) for name, state in store.feed_states().items()]
        vitals = gather(store, feeds, now)
        reasons, notes, alerts = store.reasons(), store.notes(), store.alerts()
    order = sorted(vitals, key=lambda one: (not one.is_failing, not one.is_silent, not one.is_watched, one.name))
    return Situation(
        now,
        settings,
        tuple(order),
        reasons,
        notes,
        [alert for alert in alerts if alert.over is None],
        _usage(settings, now),
        _holder(settings),
        problem or _other_catalogue(settings, notes),
    )


def _other_catalogue(settings: Settings, notes: Mapping[str, Note]) -> str | None:
    """Says so where these are not the feeds that the service watches."""
    ours, theirs = catalogue_name(settings), notes.get("catalogue")
    if theirs is None or theirs.text == ours:
        return None
    return (
        f"these are the feeds of {ours}, but veille run watches those of {theirs.text}: look from its directory, or "
        f"with --feeds"
    )


def _is_gone(one: Vitals) -> bool:
    return one.state is not None and one.state.health is Health.GONE


def _usage(settings: Settings, now: datetime) -> Usage | None:
    try:
        return usage(settings.data_dir, now)
    except OSError:
        return None


def _holder(settings: Settings) -> int | None:
    try:
        return holder(settings.data_dir)
    except OSError:
        return None
