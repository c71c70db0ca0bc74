"""What can go wrong, and who hears of it.

    ServiceError                 the caller can be told in one line
    ├── SettingsError            settings or catalogue are wrong: nothing was started          exit 78
    ├── FetchError               one URL could not be had: recorded, tried again
    │   ├── GoneError            404, 410
    │   ├── HeldError            the host asked for silence: not asked at all
    │   ├── BlockedError         refused by us: robots.txt, scheme, downgrade
    │   │   └── AddressError     by the address guard
    │   └── TooLargeError        over a size limit, on the wire or decoded
    ├── WorkersError             no process can be started to read anything in                 exit 1
    ├── ParseError               one document is no feed
    └── ExtractError             one page gave no text

``storage.errors.StorageError`` stands beside them: it stops the run (exit 74, 75). Expected errors of one feed or page
become its recorded outcome with a retry time. ``str(error)`` is a line for people.
"""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.articles.rights import Reserved


class Weight(StrEnum):
    """How much a failure says about the feed itself."""

    HARD = "hard"
    """4xx other than 404 and 429, an unparseable document."""
    SOFT = "soft"
    """404, 429, 5xx."""
    TEMPORARY = "temporary"
    """DNS, connection, time-out."""


class ServiceError(Exception):
    """An expected error. ``str()`` shows the cause too."""

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}: {self.__cause__}" if self.__cause__ is not None and str(self.__cause__) else message


class SettingsError(ServiceError):
    """Settings or catalogue are wrong; the message holds one line per problem."""


class WorkersError(ServiceError):
    """No process can be started to read feeds and pages in."""


class FetchError(ServiceError):
    """A URL could not be had.

    ``status`` is the HTTP status where there was an answer; ``retry_after`` seconds the server asked us to wait.
    """

    def __init__(
        self,
        message: str,
        *,
        weight: Weight = Weight.TEMPORARY,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.weight = weight
        self.status = status
        self.retry_after = retry_after


class GoneError(FetchError):
    """The server says 404 or 410."""


class HeldError(FetchError):
    """Nothing was asked: the host had asked for silence. ``retry_after`` says for how much longer."""


class BlockedError(FetchError):
    """We refuse: the address guard, robots.txt, the scheme, a downgrade."""


class AddressError(BlockedError):
    """The host has an address that may not be connected to."""


class TooLargeError(FetchError):
    """A body over the size limit, on the wire or decoded."""


class ParseError(ServiceError):
    """A document is no feed: HTML, empty, or of no recognisable version."""


class ExtractError(ServiceError):
    """A page gave no text. ``reserved`` is what it says of its use all the same, where that could be read."""

    def __init__(self, message: str, *, reserved: "Reserved | None" = None) -> None:
        super().__init__(message)
        self.reserved = reserved


def first_of(error: BaseException) -> BaseException:
    """The first error of a group, however deep; any other error as it is: one says more than the group it came in."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
