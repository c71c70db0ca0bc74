"""What goes wrong: each a block, at whose end it is over. The sites it concerns are its own affair."""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

from chaos.world import second_address
from service.newsroom import Newsroom
from service.newsroom.faults import Drip, Fault, Redirect, Reset, Status
from service.newsroom.sites import Site

Sites = Sequence[Site]
Block = AbstractContextManager[None]


def sites_with(fault: Fault) -> Callable[[Newsroom, Sites], Block]:
    """A fault of sites, feeds and pages alike."""

    @contextmanager
    def block(room: Newsroom, sites: Sites) -> Iterator[None]:
        for site in sites:
            room.fault(site, fault)
        yield
        for site in sites:
            room.heal(site)

    return block


resetting, dripping, answering_500 = map(sites_with, (Reset(), Drip(0.5), Status(500)))


@contextmanager
def moved(room: Newsroom, sites: Sites) -> Iterator[None]:
    """Feeds have a new address, to which the old one leads with a 301; at the end they are back."""
    with ExitStack() as stack:
        for number, site in enumerate(sites):
            base = stack.enter_context(second_address(room, site, f"127.79.0.{number + 1}"))
            for path, url in zip(site.feed_paths, site.feed_urls, strict=True):
                room.fault(url, Redirect(base + path, permanent=True))
        yield
        for url in (url for site in sites for url in site.feed_urls):
            room.heal(url)


@contextmanager
def database_locked(data: Path) -> Iterator[None]:
    """Another process has the database for itself."""
    with closing(sqlite3.connect(data / "veille.db", timeout=30, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield
        database.execute("ROLLBACK")


@contextmanager
def disk_full(data: Path) -> Iterator[None]:
    """Something else has filled the disk to the last byte; then it is removed."""
    filler = data.parent / "filler"
    descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for size in (1 << 20, 65536, 4096):
            fill(descriptor, bytes(size))
        yield
    finally:
        os.close(descriptor)
        filler.unlink()


def fill(descriptor: int, piece: bytes) -> None:
    """Write until nothing more goes in."""
    try:
        while True:
            os.write(descriptor, piece)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
