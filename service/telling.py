"""Tells people, by whatever service they chose (``VEILLE_NOTIFY_URL``). No address is shown: it may hold a password."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from pydantic import SecretStr

from service.child import ChildError, ask
from service.errors import SettingsError
from service.messages import Message

SECONDS = 30.0
"""The longest that sending may take, all messages to all addresses together."""
_OWN = 0.8
"""Of these, after which an address that has not answered is given up."""

log = structlog.get_logger()


async def deliver(
    sendings: Sequence[tuple[str, Message | None]], sent: Callable[[int], None] | None = None
) -> list[str | None]:
    """Send messages to addresses, all side by side; returns for each None, or why it was not sent, free of secrets.

    With no message, the address is only looked at: whether there is a service for it. ``sent`` is called with the place
    of each that was sent, from 0, as soon as it is.

    Raises:
        ChildError: it took too long, or could not be done; what was sent until then is sent.
    """
    work = {"seconds": SECONDS * _OWN, "sendings": [(address, _written(message)) for address, message in sendings]}

    def hear(line: Any) -> None:
        if isinstance(line, dict) and sent is not None:
            sent(line["sent"])

    try:
        answer: list[str | None] = await ask("service.apprising", work, seconds=SECONDS, hear=hear)
    except OSError as error:
        raise ChildError(f"no process can be started: {error.strerror}") from None
    return answer


async def tell(addresses: SecretStr, message: Message) -> str | None:
    """Send a message to every address; returns what went wrong, in a line, or None where all were reached."""
    places = split(addresses)
    try:
        results = await deliver([(address, message) for address in places])
    except ChildError as error:
        return str(error)
    return in_words(dict(enumerate(results, start=1)), len(places))


async def send_test(addresses: SecretStr, host: str) -> str | None:
    """Send a message that says it is a test; returns what went wrong, in a line, or None where all were reached."""
    body = f"Whoever reads this is told when veille on {host} is in trouble, and when it no longer is."
    return await tell(addresses, Message("test", f"veille on {host}: this is a test", body))


async def check_addresses(addresses: SecretStr) -> None:
    """Pass where a service is known for every address, or that cannot be found out just now.

    Raises:
        SettingsError: there is none for some; the line says which by their places.
    """
    places = split(addresses)
    try:
        results = await deliver([(address, None) for address in places])
    except ChildError as error:  # on a machine that has too much to do; it is no fault of the addresses
        log.warning("addresses of VEILLE_NOTIFY_URL cannot be checked", reason=str(error))
        return
    if unknown := [place for place, result in enumerate(results, start=1) if result is not None]:
        raise SettingsError(
            f"VEILLE_NOTIFY_URL: no service is known for {named(unknown, len(places))}; Apprise's documentation lists "
            "how each is written, as in mailto://user:password@example.org, ntfy://topic, json://host/path"
        )


def split(addresses: SecretStr) -> list[str]:
    """The addresses, each once, in the order they are written in."""
    return list(dict.fromkeys(addresses.get_secret_value().split()))


def in_words(results: dict[int, str | None], of: int) -> str | None:
    """Which addresses, by place from 1, could not be reached and why, in a line; None where all were."""
    by_reason: dict[str, list[int]] = {}
    for place, reason in results.items():
        if reason is not None:
            by_reason.setdefault(reason, []).append(place)
    return (
        "; ".join(f"{named(places, of)} could not be reached: {reason}" for reason, places in by_reason.items()) or None
    )


def named(places: Sequence[int], of: int) -> str:
    """Addresses by their places, from 1."""
    if of == 1:
        return "the address"
    words = ", ".join(map(str, places))
    return f"address{'es' if len(places) > 1 else ''} {words} of {of}"


def _written(message: Message | None) -> dict[str, str] | None:
    return None if message is None else {"title": message.title, "body": message.body, "tone": message.tone}
