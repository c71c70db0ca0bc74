"""Composes one poll and one archiving out of their parts; knows no loop and no schedule, ``runner`` does.

    poller      fetch feed → parse → decide → COMMIT 1, new entries pending
    reader      pending entry → fetch page → extract: a draft
    archivist   drafts → duplicate filter → raw copies kept → append, fsync → COMMIT 2, entries settled

An error that is expected of one feed or page becomes its recorded outcome with a retry time. A StorageError, or a bug,
goes up and ends the run. The daemon, the systemd timer and the one-shot crawl all go through here.
"""

from dataclasses import dataclass

from service.archiving import Archivist
from service.polling import Poller
from service.reading import Reader


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The whole flow, ready to be called step by step."""

    poller: Poller
    reader: Reader
    archivist: Archivist
