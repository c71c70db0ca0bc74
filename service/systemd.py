"""Tells systemd how the service is: sd_notify(3), a datagram to the socket systemd names. Silent elsewhere."""

import socket


class Notifier:
    """Sends states to ``address`` (``NOTIFY_SOCKET``); without one, sends nothing.

    ``watchdog`` is the interval in seconds in which systemd wants a sign of life; None where it wants none.
    """

    def __init__(self, address: str | None, watchdog: float | None = None) -> None:
        # a leading @ stands for the NUL byte of an abstract socket
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self.watchdog = watchdog

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
            try:
                channel.connect(self._address)
                channel.sendall(state.encode())
            except OSError:
                pass  # systemd went away or is restarting: the work is more important than talking about it
