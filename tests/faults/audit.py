"""Opens an archive as the next start does, and compares what is in it with what scribes have said."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from faults.scribe import FEED, Said, article, capture, entry, fails, number_of, settings
from service.app import open_archive
from storage import manifest
from storage.archive import Archive
from storage.errors import StorageError
from storage.model import RawRef
from storage.raw import read_payload
from storage.recovery import Recovery
from storage.store import Store
from storage.verify import verify


@dataclass(frozen=True, slots=True)
class Audit:
    """What a look at an archive came to."""

    complaints: list[str]
    """What is wrong; nothing if every promise was kept."""
    recovery: Recovery
    """What the start had to make good."""


def audit(directory: Path, said: Said) -> Audit:
    """Start on an archive, and look through it.

    Whatever was said to be durable is there, once and as it was; nothing else is there but what was under way; and
    ``verify`` finds no damage.
    """
    try:
        with open_archive(settings(directory)) as (store, archive):
            return Audit([*_complaints(directory, store, archive, said)], archive.recovery)
    except StorageError as error:
        return Audit([f"the archive cannot be opened: {error}"], Recovery())


def _complaints(directory: Path, store: Store, archive: Archive, said: Said) -> Iterator[str]:
    for damage in verify(directory, store):
        yield f"verify: {damage.path}, {damage.offset}: {damage.what}"
    listed = {line.path for line in manifest.read(directory).lines}
    yield from (f"{path} was sealed, and is not in the manifest" for path in sorted(said.sealed - listed))
    yield from (f"{path} was sealed, and is lost" for path in sorted(said.sealed) if not (directory / path).exists())
    copies: Counter[int] = Counter()
    for _, found in archive.records():
        number = number_of(found)
        copies[number] += 1
        if replace(found, raw=RawRef()) != article(number, found.archived):
            yield f"n{number} is not the article that was archived"
        if read_payload(directory, found.raw).body != capture(number, found.archived).body:
            yield f"n{number} is not what its raw copy says"
    yield from (f"n{number} was archived, and is lost" for number in sorted(said.archived - copies.keys()))
    yield from (f"n{number} is there {copies[number]} times" for number in copies if copies[number] > 1)
    known, _ = store.known_entries(FEED, [entry(number).key for number in said.pending | copies.keys()], ())
    outcome = {int(key[1:]): str(known[key].outcome) for key in known}
    yield from (f"n{number} was pending, and is lost" for number in sorted(said.pending - outcome.keys()))
    for number, became in sorted(outcome.items()):
        wanted = {"failed"} if number in said.failed else {"archived"} if number in copies else {"pending"}
        if number not in said.failed and fails(number):
            wanted.add("failed")  # under way when it ended: either end will do
        if became not in wanted:
            yield f"n{number} is {became}, and should be {' or '.join(sorted(wanted))}"
