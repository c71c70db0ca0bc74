"""Settings, feeds, and who is told what: what people write."""

import asyncio
import socket
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from service.errors import SettingsError
from service.health.check import Check, Result
from service.settings import PREFIX, SECRETS, Settings, origins, written
from service.telling import check_addresses
from storage.model import Feed


def check_settings(settings: Settings, env_file: Path) -> Check:
    """Which settings are set, where, and to what; of secrets, only where. A file of secrets must not be everybody's."""
    places = origins(env_file)
    told = [f"{key}{_value(name, settings)} ({place})" for name, key, place in _set(settings, places)]
    source = f"{env_file} and the environment" if env_file.exists() else f"the environment; there is no {env_file}"
    detail = f"from {source}; set: {', '.join(told) or 'none, all are defaults'}"
    if exposed := _exposed(env_file, places):
        return Check("settings", Result.WARNING, f"{detail}; {exposed}")
    return Check("settings", Result.OK, detail)


def _set(settings: Settings, places: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Name, key and origin of each setting that is set."""
    found = []
    for name in sorted(settings.model_fields_set):
        key = PREFIX + name.upper()
        found.append((name, key, places.get(key) or places.get(f"{key}_FILE") or "the command line"))
    return found


def _value(name: str, settings: Settings) -> str:
    return "" if name in SECRETS else f"={written(getattr(settings, name))}"


def _exposed(env_file: Path, places: Mapping[str, str]) -> str | None:
    """Says so where a file that all may read holds a secret."""
    keys = [f"{PREFIX}{name.upper()}" for name in SECRETS]
    secrets = [key for key in keys if places.get(key, "").startswith(f"{env_file}:")]
    if not secrets or not env_file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return None
    return f"{env_file} holds {' and '.join(secrets)}, and others can read it: chmod 600, or {secrets[0]}_FILE"


def check_feeds(feeds: Sequence[Feed], catalogue: Path | None) -> Check:
    """Whether there is anything to watch."""
    where = str(catalogue) if catalogue else "the shipped RFI catalogue, for there is no feeds.toml here"
    off = sum(not feed.enabled for feed in feeds)
    if not feeds:
        return Check("feeds", Result.PROBLEM, f"there are none in {where}; veille feeds add URL adds one")
    if off == len(feeds):
        return Check("feeds", Result.WARNING, f"all {off} of {where} are off; veille feeds enable NAME")
    return Check("feeds", Result.OK, f"{len(feeds) - off} on, {off} off, in {where}")


def check_contact(settings: Settings) -> Check:
    """Whether sites can reach who asks them."""
    said = settings.user_agent or settings.contact or ""
    if "@" in said or "://" in said:
        return Check("contact", Result.OK, f"sites are told how to reach you: {said}")
    name = f"{PREFIX}{'USER_AGENT' if settings.user_agent else 'CONTACT'}"
    return Check("contact", Result.WARNING, f"sites cannot reach you, only block you: put an address into {name}")


def check_notices(settings: Settings) -> Check:
    """Whether somebody is told of trouble, and can be. Sends nothing."""
    if settings.notify_url is None:
        detail = f"nobody is told of trouble; {PREFIX}NOTIFY_URL names whom veille run writes to"
        return Check("notices", Result.OK, detail)
    try:
        asyncio.run(check_addresses(settings.notify_url))
    except SettingsError as error:
        return Check("notices", Result.PROBLEM, str(error))
    count = len(settings.notify_url.get_secret_value().split())
    detail = f"trouble goes to {count} address{'' if count == 1 else 'es'}; veille doctor --notify sends a test"
    return Check("notices", Result.OK, detail)


def check_metrics(settings: Settings, running: int | None) -> Check:
    """Whether metrics and probes are served, or can be."""
    address = settings.metrics_bind
    if address is None:
        return Check("metrics", Result.OK, f"not served; {PREFIX}METRICS_BIND=9464 does, on loopback")
    try:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
        socket.create_server((address.host, address.port), family=family).close()
    except OSError as error:
        if running is not None:
            return Check("metrics", Result.OK, f"served on {address}, or by another program: {error.strerror}")
        return Check(
            "metrics", Result.PROBLEM, f"nothing can listen on {address} ({error.strerror}): name another port"
        )
    if running is not None:
        cure = "systemctl reload veille.service, or kill -HUP, has the service take up new settings"
        return Check("metrics", Result.WARNING, f"a service runs, but nothing listens on {address}: {cure}")
    return Check("metrics", Result.OK, f"{address} is free for them")
