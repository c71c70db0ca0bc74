"""Errors of tasks that failed together end the command like the one of them that says most."""

import pytest

from service import __main__ as command
from storage.errors import LockedError, StorageError

FULL = StorageError("the disk is full")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ExceptionGroup("tasks", [FULL, FULL]), 74),
        (ExceptionGroup("tasks", [ValueError("after it"), ExceptionGroup("tasks", [FULL])]), 74),
        (ExceptionGroup("tasks", [LockedError("held")]), 75),
        (ExceptionGroup("tasks", [ValueError("a bug")]), 1),
    ],
    ids=["a full disk twice", "a full disk within, and what came of it", "a lock", "a bug"],
)
def test_a_group_of_errors_ends_with_the_code_of_a_storage_error_in_it(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(command.veille, "main", fail)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == code
