"""Tells people, by whatever service they chose (``VEILLE_NOTIFY_URL``). No address is shown: it may hold a password."""

from collections.abc import Sequence

from pydantic import SecretStr

from service.child import ChildError, ask
from service.errors import SettingsError

SECONDS = 30.0
"""The longest that sending may take, to all addresses together."""


async def tell(addresses: SecretStr, title: str, body: str) -> str | None:
    """Send a message to every address; returns what went wrong, in a line, or None where all were reached."""
    places = addresses.get_secret_value().split()
    try:
        answer = await ask("service.apprising", {"addresses": places, "title": title, "body": body}, seconds=SECONDS)
    except ChildError as error:
        return str(error)
    lost = sorted({*answer["unknown"], *answer["unreached"]})
    return f"{_named(lost, len(places))} could not be reached" if lost else None


async def check_addresses(addresses: SecretStr) -> None:
    """Pass where a service is known for every address. Raises SettingsError."""
    places = addresses.get_secret_value().split()
    try:
        answer = await ask("service.apprising", {"addresses": places, "title": None, "body": None}, seconds=SECONDS)
    except ChildError as error:
        raise SettingsError(f"VEILLE_NOTIFY_URL cannot be checked: {error}") from None
    if unknown := answer["unknown"]:
        raise SettingsError(
            f"VEILLE_NOTIFY_URL: no service is known for {_named(unknown, len(places))}; Apprise's documentation lists "
            "how each is written, as in mailto://user:password@example.org, ntfy://topic, json://host/path"
        )


def _named(places: Sequence[int], of: int) -> str:
    if of == 1:
        return "the address"
    words = ", ".join(map(str, places))
    return f"address{'es' if len(places) > 1 else ''} {words} of {of}"
