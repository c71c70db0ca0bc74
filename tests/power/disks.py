"""File systems on a device that can be copied at any moment, as it is without what is still in memory.

    ext4 or xfs ── loop device, direct I/O ──▶ image, a file on xfs ── loop device ──▶ a file anywhere

Direct I/O bypasses the page cache of the file system that holds the image, so the image is what the device has been
given; ``cp --reflink`` copies it at one moment, between two writes, in a few milliseconds. What the inner file system
holds in memory only is not in the copy: that is what a power cut loses.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEGABYTE = 1024 * 1024
IMAGE_BYTES = 320 * MEGABYTE
"""mkfs.xfs makes none below 300 MB."""
HOST_BYTES = 6 * 1024 * MEGABYTE
"""Sparse: no more is used than images differ."""
SECTOR = "4096"
"""Bytes. Of a file that shares blocks with another, xfs lets no less be written directly."""
MKFS = {"ext4": ["mkfs.ext4", "-q", "-F", "-b", SECTOR], "xfs": ["mkfs.xfs", "-q", "-f", "-s", f"size={SECTOR}"]}
OPTIONS = {"ext4": "noatime", "xfs": "noatime,nouuid"}  # a copy has the UUID of what it is a copy of


def run(*words: object) -> str:
    """Run a command; returns what it printed. Raises OSError with what it complained of."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(map(str, words))}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()


@contextmanager
def host(room: Path) -> Iterator[Path]:
    """A folder on an xfs of its own, which can copy files by reference."""
    image, folder = room / "host.img", room / "host"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(HOST_BYTES)
    run("mkfs.xfs", "-q", "-m", "reflink=1", image)
    run("mount", "-o", "loop", image, folder)
    try:
        yield folder
    finally:
        run("umount", folder)
        image.unlink()


def make_image(image: Path, kind: str) -> None:
    """An empty file system in a file."""
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    run(*MKFS[kind], image)


@contextmanager
def mounted(image: Path, kind: str, folder: Path) -> Iterator[Path]:
    """The file system of an image, on a device without a cache of its own; what its journal holds is replayed."""
    folder.mkdir(exist_ok=True)
    device = run("losetup", "--direct-io=on", f"--sector-size={SECTOR}", "--show", "--find", image)
    try:
        if run("losetup", "--noheadings", "--output", "DIO", device) != "1":
            raise OSError(f"{device} does without direct I/O: a copy of its image would prove nothing")
        run("mount", "-t", kind, "-o", OPTIONS[kind], device, folder)
    finally:
        run("losetup", "--detach", device)  # once it is no longer mounted, however that comes about
    try:
        yield folder
    finally:
        run("umount", folder)


def cut(image: Path, copy: Path) -> None:
    """Copy what the device of ``image`` holds at this moment."""
    run("cp", "--reflink=always", image, copy)
