"""Disks that are full, files that may grow no further, errors at random: one line, exit 74, and nothing is lost."""

import os
import random
import re
import resource
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import VEILLE, environment, last_words, veille
from faults.audit import audit
from faults.nursery import TESTS, Nursery
from faults.scribe import Said
from faults.sequel import complete

from service.newsroom import Newsroom

STORAGE = 74
PACE = {"poll_interval": "1s", "poll_min": "1s", "poll_max": "1s"}


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Gives a disk of so many kilobytes, or that size to the one it gave."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()

    def resize(kilobytes: int) -> Path:
        again = ",remount" if folder.is_mount() else ""
        mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k{again}", "none", folder]
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
        return folder

    yield resize
    if folder.is_mount():
        subprocess.run(["umount", folder], check=True)


# -- full --------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_full_disk_ends_the_daemon_with_one_line(tmp_path: Path, disk: Callable[[int], Path]) -> None:
    with Newsroom(sites=2, stories=6) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        data = disk(400) / "data"
        done = veille(tmp_path, "--data", data, "run", **PACE)
        assert done.returncode == STORAGE, done.stderr
        line = last_words(done.stderr)
        assert "No space left on device" in line or "database or disk is full" in line
        disk(50_000)
        complete(tmp_path, room, data)


def test_where_the_log_is_on_the_full_disk_too_the_exit_code_tells(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([VEILLE, "run"], cwd=tmp_path, env=environment(), stderr=full, timeout=30, check=False)
    assert done.returncode == STORAGE


@pytest.mark.slow
def test_whatever_finds_the_disk_full_nothing_acknowledged_is_lost(
    tmp_path: Path, nursery: Nursery, disk: Callable[[int], Path], record_property: Callable[[str, object], None]
) -> None:
    out, words = tmp_path / "said", Counter[str]()
    size = 8
    while size < 6000:
        data = disk(size) / "data"
        assert nursery.start("scribe", data, out=out).wait() == STORAGE
        words[failure(out)] += 1
        size = size * 5 // 4 + random.Random(size).randrange(40)
    disk(50_000)
    assert audit(data, Said.read(out)).complaints == []
    assert len(Said.read(out).archived) > 100
    found = " ".join(words)
    assert "the database … database or disk is full" in found
    assert "… cannot be written: [Errno 28] No space left on device" in found
    record_property("measured", f"full {words.total()} times: {dict(words)}")


def failure(out: Path) -> str:
    """What a scribe said at its end, whichever file it was."""
    text = out.read_text()
    assert "Traceback" not in text
    last = text.splitlines()[-1]
    assert last.startswith("scribe: ")
    return re.sub(r"(/|articles/|raw/)\S+", "…", last.removeprefix("scribe: "))


@pytest.mark.slow
def test_a_file_that_may_not_grow_ends_a_crawl_with_one_line(tmp_path: Path) -> None:
    limit = 150_000
    with Newsroom(sites=2, stories=6) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        done = subprocess.run(
            [VEILLE, "crawl", "--all"],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
        assert done.returncode == STORAGE, done.stderr
        assert "disk I/O error" in last_words(done.stderr)
        complete(tmp_path, room)


# -- errors at random --------------------------------------------------------------------------------------------------

needs_libfiu = pytest.mark.skipif(not shutil.which("fiu-run"), reason="libfiu (fiu-utils) is not installed")


def failing(*points: str) -> list[str]:
    """A command that runs another one, of whose calls of these kinds one in a hundred fails with EIO."""
    chosen = (f"enable_random name=posix/io/{point},probability=0.01,failinfo=5" for point in points)
    return ["fiu-run", "-x", "-f", "", *(word for choice in chosen for word in ("-c", choice))]


@needs_libfiu
@pytest.mark.slow
def test_errors_of_the_disk_at_random_lose_nothing(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    data, out, words = tmp_path / "data", tmp_path / "said", Counter[str]()
    scribe = [sys.executable, "-m", "faults.scribe", str(data)]
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    every = ("rw/write", "rw/pwrite", "sync/fsync", "sync/fdatasync")
    for points in (every, every, ("rw/write", "sync/fsync")):  # the last: where it is not SQLite's own that fail
        with out.open("ab") as file:
            ended = subprocess.run(
                [*failing(*points), *scribe],
                env=environment() | {"PYTHONPATH": path},
                stdout=file,
                stderr=file,
                timeout=60,
                check=False,
            )
        assert ended.returncode == STORAGE, out.read_text()
        words[failure(out)] += 1
    assert audit(data, Said.read(out)).complaints == []
    record_property("measured", f"EIO at random: {dict(words)}, {len(Said.read(out).archived)} articles acknowledged")


@pytest.mark.slow
@needs_libfiu
def test_a_daemon_whose_disk_fails_ends_with_one_line(tmp_path: Path) -> None:
    with Newsroom(sites=2, stories=6) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        done = subprocess.run(
            [*failing("rw/pwrite", "sync/fsync", "sync/fdatasync"), VEILLE, "run"],
            cwd=tmp_path,
            env=environment(**PACE),
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == STORAGE, done.stderr
        assert "disk I/O error" in (line := last_words(done.stderr)) or "Input/output error" in line
        complete(tmp_path, room)
