"""What is around the service: sites that publish, a clock that can be set, a small disk."""

import mmap
import os
import shutil
import sqlite3
import struct
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from service.newsroom import Newsroom
from service.newsroom.log import Kind, RequestLog
from service.newsroom.server import Reply, Server, listen
from service.newsroom.sites import Site
from service.newsroom.stories import Story
from service.newsroom.wire import Answer, Head


class Publishing:
    """Stories, a few a second, for as long as the block lasts; ``urls`` are all there ever were."""

    def __init__(self, room: Newsroom, rate: float) -> None:
        self._room, self._pause = room, 1 / rate
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._publish)

    @property
    def urls(self) -> set[str]:
        """The addresses of all of them."""
        return {story.url for story in self._room.stories()}

    def one_each(self, sites: Sequence[Site]) -> list[Story]:
        """A story on each of these sites, now."""
        return [self._room.publish(1, site)[0] for site in sites]

    def stop(self) -> None:
        """Publish nothing more."""
        self._over.set()
        self._thread.join()

    def _publish(self) -> None:
        while not self._over.wait(self._pause):
            self._room.publish()

    def __enter__(self) -> "Publishing":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Clock:
    """The wall clock that the service has (``clock.c``); its monotonic clock and the times of files are true."""

    def __init__(self, directory: Path) -> None:
        library, file = directory / "clock.so", directory / "clock"
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, source, "-ldl"], check=True)
        file.write_bytes(bytes(8))
        with file.open("r+b") as opened:
            self._page = mmap.mmap(opened.fileno(), 8)
        self.surroundings = {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(file)}
        """Environment variables for whom it concerns."""
        self.ahead = timedelta(0)

    def set(self, ahead: timedelta) -> None:
        """Set the clock so far ahead of the true one."""
        self.ahead = ahead
        self._page[:] = struct.pack("q", ahead // timedelta(seconds=1))


def entries(data: Path, outcome: str) -> set[str]:
    """The addresses of the entries with this outcome by now; none while the database cannot be read."""
    try:
        with closing(sqlite3.connect(f"file:{data / 'veille.db'}?mode=ro", uri=True, timeout=1)) as database:
            return {url for (url,) in database.execute("SELECT url FROM entries WHERE outcome = ?", (outcome,))}
    except sqlite3.Error:
        return set()


@contextmanager
def second_address(room: Newsroom, site: Site, address: str) -> Iterator[str]:
    """Another address at which a site answers; gives its URL, without a final slash."""
    desk = room._desks[site.name]

    def respond(_: str, head: Head) -> Reply:
        with room._lock:
            resource = desk.resource(head.path)
            return Reply(resource.answer(head) if resource else Answer(404), Kind.OTHER)

    listener = listen(address, 0)
    port = listener.getsockname()[1]
    server = Server({site.name: listener}, respond, RequestLog())
    server.start()
    try:
        yield f"http://{address}:{port}"
    finally:
        server.stop()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A tmpfs. Raises OSError where none can be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def why_not() -> str | None:
    """Why there can be no chaos here; None where there can."""
    if os.geteuid() != 0:
        return "only root can mount a small disk"
    if shutil.which("cc") is None:
        return "the clock needs a C compiler: apt-get install gcc libc6-dev"
    return None
