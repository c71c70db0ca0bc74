"""Reads messages and addresses on standard input, sends the ones to the others, and prints which could not be reached.

A process of its own, for ``service.telling``: the library that knows a hundred services loads all of them, 44 MB, and
may hang. The only importer of apprise. An address may hold a password: none is ever printed, nor what a service said.
"""

import logging
import os
import re
import signal
import threading
import time
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import orjson

from service.child import job

UNKNOWN = "no service is known for it"
NO_ANSWER = "no answer in time"
GRACE = 10
"""Seconds after which this process ends in any case, whatever hangs."""

_heard: ContextVar[list[str]] = ContextVar("heard")
"""What was logged of the sending that this context belongs to."""


def main() -> None:
    """Send each message to its address, or only look at the address where there is none; print what came of it.

    A line for each that was sent, as soon as it is, then one for all.
    """
    work = job()
    answer = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # what plugins print is nobody's business
    os.dup2(nowhere, 2)
    signal.alarm(int(work["seconds"]) + GRACE)

    turn = threading.Lock()

    def say(what: object) -> None:
        os.write(answer, orjson.dumps(what) + b"\n")

    def sent(place: int) -> None:
        with turn:
            say({"sent": place})

    results = _send_all(work["sendings"], time.monotonic() + work["seconds"], sent)
    turn.acquire()  # for good: who is sent to only now comes too late
    say(results)
    os._exit(0)  # threads that hang would be waited for


def _send_all(
    sendings: list[tuple[str, dict[str, str] | None]], until: float, sent: Callable[[int], None]
) -> list[str | None]:
    """For each address and message: None, or in words of ours why it was not sent. No address waits for another."""
    warnings.simplefilter("ignore")
    import apprise

    _listen()
    asset = apprise.AppriseAsset(
        app_id="veille",
        app_desc="veille",
        image_url_mask="",  # they would be fetched from the library's own site
        image_url_logo="",
        storage_mode=apprise.PersistentStoreMode.MEMORY,  # nothing is written, wherever this runs
        pgp_autogen=False,
        pem_autogen=False,
        async_mode=False,
    )
    services = {address: apprise.Apprise.instantiate(address, asset=asset) for address, _ in sendings}
    results: list[str | None] = [
        UNKNOWN if services[address] is None else NO_ANSWER if message else None for address, message in sendings
    ]

    def send(address: str, service: Any) -> None:
        if service.overflow_mode is apprise.OverflowMode.UPSTREAM:  # services refuse what is too long for them
            service.overflow_mode = apprise.OverflowMode.TRUNCATE
        sender = apprise.Apprise(asset=asset)
        sender.add(service)
        for place, (to, message) in enumerate(sendings):
            if to == address and message is not None:
                results[place] = _send(sender, message)
                if results[place] is None:
                    sent(place)

    threads = [threading.Thread(target=send, args=pair, daemon=True) for pair in services.items() if pair[1]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return list(results)


def _send(sender: Any, message: dict[str, str]) -> str | None:
    from apprise import NotifyFormat, NotifyType

    tones = {"trouble": NotifyType.WARNING, "recovery": NotifyType.SUCCESS}
    heard: list[str] = []
    _heard.set(heard)
    tone = tones.get(message["tone"], NotifyType.INFO)
    try:
        text = {"title": message["title"], "body": message["body"], "body_format": NotifyFormat.TEXT}
        return None if sender.notify(**text, notify_type=tone) else _reason(" ".join(heard))
    except Exception:  # noqa: BLE001  a plugin's; its words may hold the address
        return "it could not be sent"


def _reason(logged: str) -> str:
    """Why, as far as the log tells, without a word of it: it may name addresses."""
    if (status := re.search(r"error=([1-5][0-9]{2})\b", logged)) is not None:
        refused = ", as if the password or key were wrong" if status[1] in {"401", "403"} else ""
        return f"its server answers {status[1]}{refused}"
    if "onnection" in logged or "ocket" in logged:
        return "no connection, or no answer"
    return "its service did not take it"


class _Collector(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if (heard := _heard.get(None)) is not None:
            heard.append(record.getMessage())


def _listen() -> None:
    """Have what apprise logs collected, and nothing else logged by anybody."""
    logging.lastResort = None
    logger = logging.getLogger("apprise")
    logger.handlers, logger.propagate = [_Collector()], False
    logger.setLevel(logging.WARNING)


if __name__ == "__main__":
    main()
