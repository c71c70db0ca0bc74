"""What can go wrong while remembering.

StorageError              the archive or the database cannot be read or written: disk full, I/O error, rights
├── SchemaError           the database or a record is of a version this program does not know
├── CorruptArchiveError   a file is not what the database or the manifest says it is
├── CorruptDatabaseError  the database's own file is damaged
└── LockedError           another process holds the data directory
"""


class StorageError(Exception):
    """The archive or the database cannot be read or written. ``str()`` shows the cause too."""

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}: {self.__cause__}" if self.__cause__ is not None else message


class SchemaError(StorageError):
    """The database or a record is of a version this program does not know."""


class CorruptArchiveError(StorageError):
    """A file is not what the database or the manifest says it is."""


class CorruptDatabaseError(StorageError):
    """The database's own file is damaged, or is none."""


class LockedError(StorageError):
    """Another process holds the data directory."""
