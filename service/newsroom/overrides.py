"""What tests put over a site's own behaviour: mounted documents and faults."""

from collections.abc import Callable

from service.newsroom.faults import Fault
from service.newsroom.resources import Resource
from service.newsroom.wire import Answer, Head

Handler = Callable[[Head], Answer]
"""Answers a request by itself. Called in the server's thread, where it must not wait for anything."""

Spot = tuple[str | None, str | None]
"""Site name and path; None stands for all of them."""


class Overrides:
    """Documents by site and path, faults by spot. Not safe for threads: the newsroom holds a lock around it."""

    def __init__(self) -> None:
        self._mounts: dict[tuple[str, str], Resource | Handler] = {}
        self._faults: dict[Spot, tuple[Fault, int | None]] = {}

    def mount(self, site: str, path: str, document: Resource | Handler) -> None:
        """Put a document at a path, in place of one that stood there."""
        self._mounts[site, path] = document

    def mounted(self, site: str, path: str) -> Resource | Handler | None:
        """The document put at the path, if any."""
        return self._mounts.get((site, path))

    def put_fault(self, spot: Spot, fault: Fault, times: int | None) -> None:
        """Put a fault on a spot, for as many requests, or until it is healed."""
        self._faults[spot] = (fault, times)

    def heal(self, spot: Spot | None) -> None:
        """Take a spot's fault off, or all faults."""
        if spot is None:
            self._faults.clear()
        else:
            self._faults.pop(spot, None)

    def take_fault(self, site: str, path: str) -> Fault | None:
        """The fault this request meets, nearest first; uses up one of its times."""
        for spot in ((site, path), (None, path), (site, None)):
            if spot in self._faults:
                fault, left = self._faults[spot]
                if left == 1:
                    del self._faults[spot]
                elif left is not None:
                    self._faults[spot] = (fault, left - 1)
                return fault
        return None
