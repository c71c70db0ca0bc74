"""Who does the job in ``bench/crawl.py``: bare extraction, the service, and the peers; each one run at a time."""

import json
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from measuring import Spent, run
from peers import HERE, Peer, environment
from world import Page, Server, World

from storage.segments import records

LONG = 3600.0
"""Seconds that the project's own programs have."""
CRAWL = [Path(sys.executable).with_name("veille"), "--data", "data", "--feeds", "feeds.toml", "--json", "crawl"]
PATIENT = 300.0
"""Seconds that a peer has; what it has done until then counts."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of one contestant over a world, or a share of it."""

    world: World
    spent: Spent
    pages: tuple[Page, ...]
    """Those that were sent to it whole."""
    texts: Mapping[str, str] = field(repr=False)
    """By the address of the page."""
    cpu_of: Mapping[str, float] | None = None
    """Seconds by the address of the page, where they are known."""


@dataclass(frozen=True, slots=True)
class Contestant(ABC):
    """One row of the table."""

    name: str
    what: str
    share: float = 1.0

    @abstractmethod
    def attempt(self, server: Server, work: Path) -> Attempt:
        """Do the job once, in an empty directory. Raises RunError."""


class RunError(Exception):
    """A contestant cannot be run; says why in a line."""


@dataclass(frozen=True, slots=True)
class Bare(Contestant):
    """``bench/bare.py``: CPU and wall clock are the extraction's alone, without the imports."""

    processes: int = 1

    def attempt(self, server: Server, work: Path) -> Attempt:
        """Do the job once. Raises RunError."""
        world = server.world
        command = [sys.executable, HERE.parent / "bare.py", world.directory, self.processes]
        spent = checked(run(command, cwd=work, within=LONG, spared=[server.pid]), work)
        found = json.loads((work / "stdout").read_bytes())
        urls = [page.url for page in world.pages]
        texts = {url: json.loads(text)["text"] for url, text in zip(urls, found["texts"], strict=True) if text}
        alone = Spent(sum(found["cpu"]), found["wall"], spent.pss, spent.pss_tree, spent.pss_main, spent.code)
        return Attempt(world, alone, world.pages, texts, dict(zip(urls, found["cpu"], strict=True)))


@dataclass(frozen=True, slots=True)
class Veille(Contestant):
    """The installed command on an empty archive: feeds, pages, extraction, duplicate filter, synced lines, database."""

    raw: bool = False
    processes: int = 2
    again: bool = False
    """Once more over an archive that knows everything, instead."""

    def attempt(self, server: Server, work: Path) -> Attempt:
        """Do the job once. Raises RunError; ValueError where the archive's books are not as they should be."""
        world = server.world
        world.write_feeds(work)
        words = {
            "cwd": work,
            "environment": settings(raw=self.raw, processes=self.processes),
            "within": LONG,
            "spared": [server.pid],
        }
        spent = checked(run(CRAWL, **words), work)
        if self.again:
            spent = checked(run([*CRAWL, "--all"], **words), work)
        summary = json.loads((work / "stdout").read_text().splitlines()[-1])
        settled = sum(summary[outcome] for outcome in ("archived", "unchanged", "skipped", "failed", "gone"))
        if settled != summary["new_entries"] or (settled != len(world.pages) and not self.again):
            raise ValueError(f"{len(world.pages)} pages, and {summary}")
        delivered = server.delivered(world.pages)
        lengths = {page.url: page.length for page in world.pages}
        texts = {}
        for _, article in records(work / "data"):
            texts[article.requested_url or article.url] = article.text
            if article.http.bytes not in (None, lengths[article.requested_url or article.url]):
                raise ValueError(f"{article.url}: {article.http.bytes} bytes have arrived")
        return Attempt(world, spent, delivered, texts)


@dataclass(frozen=True, slots=True)
class Other(Contestant):
    """A peer, with a share of the feeds."""

    peer: Peer | None = None
    cache: Path | None = None

    def attempt(self, server: Server, work: Path) -> Attempt:
        """Do the job once. Raises RunError."""
        assert self.peer is not None
        world = server.world.share(self.share)
        world.write_feeds(work)
        try:
            python = environment(self.peer, self.cache)
        except subprocess.CalledProcessError as error:
            raise RunError(f"cannot be installed: {last_line(error.stderr)}") from None
        clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        command = [python, HERE / self.peer.script, "feeds.txt", "texts"]
        spent = run(command, cwd=work, environment=clean, within=PATIENT, spared=[server.pid])
        delivered = server.delivered(world.pages)
        if not delivered:
            checked(spent, work)
            raise RunError("it asked for no page")
        return Attempt(world, spent, delivered, dict(read_texts(work / "texts")))


def settings(*, raw: bool, processes: int) -> dict[str, str]:
    """An environment without any setting of the service but what a benchmark needs."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("VEILLE_")}
    return clean | {
        "VEILLE_ALLOWED_NETWORKS": "127.0.0.0/8",
        "VEILLE_HOST_DELAY": "0s",
        "VEILLE_KEEP_RAW": "all" if raw else "none",
        "VEILLE_WORKERS": str(processes),
    }


def read_texts(path: Path) -> Iterator[tuple[str, str]]:
    """What a peer has written: addresses and texts; a last line that is torn is left out."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if url := found.get("url") or found.get("source"):
            yield url, found.get("text") or ""


def checked(spent: Spent, work: Path) -> Spent:
    """A run that has ended well. Raises RunError for one that has not."""
    if spent.code != 0:
        said = last_line((work / "stderr").read_text(encoding="utf-8", errors="replace"))
        raise RunError(f"ended with {spent.code}: {said}" if spent.code is not None else "it did not end")
    return spent


def last_line(text: str) -> str:
    """The last line in which anything is said."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "nothing was said")


def fresh(directory: Path) -> Path:
    """An empty directory."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory
