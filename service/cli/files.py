"""Files that a person keeps, written whole or not at all."""

import contextlib
import os
import stat
from pathlib import Path

from storage.errors import StorageError


def write_file(path: Path, data: bytes) -> None:
    """Put ``data`` in place of what ``path`` holds: at any moment, the file is the old one or the new one.

    A symbolic link stays one, and its target is written; the mode stays.

    Raises:
        StorageError: it cannot be written, in one line; the old file is as it was.
    """
    target = path.resolve()
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        try:
            with draft.open("xb") as file:
                if target.exists():
                    draft.chmod(stat.S_IMODE(target.stat().st_mode))
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None
