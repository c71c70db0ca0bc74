"""Catalogues as files: the feeds file in use, and those that ship with the package (``rfi``, ``similar``)."""

from importlib import resources
from pathlib import Path

from service.errors import SettingsError
from service.feeds.catalogue import parse_catalogue
from storage.model import Feed

RFI = "rfi"
"""Used where there is no feeds file."""
SIMILAR = "similar"


def shipped(name: str) -> str:
    """The text of a shipped catalogue."""
    return resources.files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")


def read(path: Path | None) -> str:
    """The text of a feeds file, its line ends as they are; of the shipped RFI catalogue where ``path`` is None.

    Raises:
        SettingsError: it cannot be read, in one line.
    """
    if path is None:
        return shipped(RFI)
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 text (byte {error.start})") from None


def load(path: Path | None) -> tuple[Feed, ...]:
    """The feeds of a feeds file, or of the shipped RFI catalogue where ``path`` is None.

    Raises:
        SettingsError: it cannot be read, or is wrong: a line for each problem.
    """
    return parse_catalogue(read(path), source=f"{RFI}.toml" if path is None else str(path))
