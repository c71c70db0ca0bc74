"""Tells systemd how the service is: sd_notify(3), a datagram to the socket systemd names. Silent elsewhere."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

EXTEND = 60.0
"""Seconds of time to start in that are asked for again and again."""


class Notifier:
    """Sends states to ``address`` (``NOTIFY_SOCKET``); without one, sends nothing.

    ``watchdog`` is the interval in seconds in which systemd wants a sign of life; None where it wants none.
    """

    def __init__(self, address: str | None, watchdog: float | None = None) -> None:
        # a leading @ stands for the NUL byte of an abstract socket
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self.watchdog = watchdog

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Within it, systemd goes on waiting for ``ready``: a start may have to read a large archive whole, once."""
        is_over = Event()

        def ask_for_time() -> None:
            while not is_over.wait(EXTEND / 3):
                self._send(f"EXTEND_TIMEOUT_USEC={EXTEND * 1_000_000:.0f}")

        thread = Thread(target=ask_for_time, name="starting", daemon=True)
        if self._address is not None:
            thread.start()
        try:
            yield
        finally:
            is_over.set()

    def ready(self, status: str) -> None:
        """The service has started, or has finished reloading."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self, monotonic_usec: int) -> None:
        """The service reads its settings again; ``ready`` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_usec}")

    def status(self, status: str) -> None:
        """A line for ``systemctl status``."""
        self._send(f"STATUS={status}")

    def alive(self) -> None:
        """A sign of life for the watchdog."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """The service drains."""
        self._send("STOPPING=1\nSTATUS=draining")

    def _send(self, state: str) -> None:
        if self._address is None:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.setblocking(False)  # a receiver that lags must not hold up the loop: what it misses, it misses
            try:
                channel.connect(self._address)
                channel.sendall(state.encode())
            except OSError:
                pass  # systemd went away or is restarting: the work is more important than talking about it
