"""One process at a time: the data directory is held for as long as the process lives."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from storage.durable import sync_directory
from storage.errors import LockedError, StorageError

LOCK_NAME = "veille.lock"


class DirectoryLock:
    """Holds a data directory, making it where it is not there yet; ``with DirectoryLock(directory): …``.

    The lock is flock(2) on ``veille.lock``: the kernel lets go of it when the process ends, however it ends. The file
    is never removed, for two processes could then hold two files of the same name; its content, the holder's process
    id, is for people.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock, without waiting.

        Raises:
            LockedError: another process holds the directory; the message names it.
            StorageError: the directory cannot be made, or not be written.
        """
        path = self._directory / LOCK_NAME
        try:
            if not self._directory.is_dir():
                self._directory.mkdir(parents=True, exist_ok=True)
                sync_directory(self._directory.parent)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileExistsError:
            raise StorageError(
                f"the data directory {self._directory} is a file: name another (VEILLE_DATA_DIR)"
            ) from None
        except OSError as error:
            raise StorageError(f"the data directory {self._directory} cannot be written") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            name = f"process {holder}" if holder else "another process"
            raise LockedError(f"the data directory {self._directory} is held by {name}") from None
        except OSError as error:
            os.close(descriptor)
            raise StorageError(f"{path} cannot be locked") from error
        self._descriptor = descriptor
        # a forked child shares the lock: a worker that outlives its parent would keep the directory from the next one
        os.register_at_fork(after_in_child=self._close)

    def release(self) -> None:
        """Let go of the directory."""
        self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> "DirectoryLock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def holder(directory: Path) -> int | None:
    """The process that holds a data directory; None where none does, or this system does not say.

    Read off ``/proc/locks``: a lock taken even for a moment would turn away a service that starts just then.

    Raises:
        OSError: what is there may not be read.
    """
    try:
        file, held = (directory / LOCK_NAME).stat(), Path("/proc/locks").read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    where = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    for line in held.splitlines():
        words = line.split()
        if where in words and "->" not in words:  # an arrow: it waits
            return int(words[-4])
    return None
