"""An iterator that can be looked into before it is taken from."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Items one by one; the next can be seen beforehand, and what was taken be put back."""

    def __init__(self, items: Iterator[T]) -> None:
        self._items = items
        self._ahead: deque[T] = deque()

    def peek(self) -> T | None:
        """The next item, left where it is; None at the end."""
        if not self._ahead:
            for item in self._items:
                self._ahead.append(item)
                break
        return self._ahead[0] if self._ahead else None

    def take(self) -> T | None:
        """The next item; None at the end."""
        return self._ahead.popleft() if self._ahead else next(self._items, None)

    def put_back(self, items: Sequence[T]) -> None:
        """Have these come next, in this order."""
        self._ahead.extendleft(reversed(items))
