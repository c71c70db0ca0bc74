"""Settings, where each comes from, and whether what they name is there: feeds, whom sites and the service tell."""

import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from service.errors import SettingsError
from service.health.finding import Check, Result, is_there
from service.origins import Origins
from service.settings import PREFIX, SECRETS, Settings, written
from storage.model import Feed

ENVIRONMENT = "environment"


def check_settings(
    settings: Settings, origins: Origins, env_file: Path, given: Mapping[str, str], *, with_defaults: bool
) -> Iterator[Check]:
    """All settings that are set, each with its value and where it is set; a secret's value is never told.

    Args:
        settings: Those in force.
        origins: Where names are set.
        env_file: The file that was read, if it is there.
        given: Settings from the command line, by field, and the option of each.
        with_defaults: Whether to tell those that are not set too.
    """
    places = {name: _places(name, origins, given) for name in Settings.model_fields}
    files = str(env_file) if is_there(env_file) else f"there is no {env_file}"
    count = sum(map(bool, places.values()))
    told = f"{count} of {len(places)} are set; {files}"
    yield Check("settings", Result.OK, told, None if with_defaults else "-v lists the others' defaults")
    for name, (in_force, *overruled) in ((name, found) for name, found in places.items() if found):
        over = f"; it overrules {', '.join(overruled)}" if overruled else ""
        yield Check(f"setting {PREFIX}{name.upper()}", Result.OK, f"{_value(settings, name)} ({in_force}{over})")
    for name in (name for name, found in places.items() if with_defaults and not found):
        yield Check(f"setting {PREFIX}{name.upper()}", Result.OK, f"{_value(settings, name)} (default)")


def _value(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    return "set, not shown" if value is not None and name in SECRETS else written(value) or "nothing"


def _places(name: str, origins: Origins, given: Mapping[str, str]) -> list[str]:
    """Where a setting is set, what is in force first."""
    key = PREFIX + name.upper()
    files = [f"{key}_FILE, {place}" for place in origins.places.get(f"{key}_FILE", ()) if name in SECRETS]
    return [*([given[name]] if name in given else ()), *files, *origins.places.get(key, ())]


def check_rights(settings: Settings, origins: Origins, env_file: Path, catalogue: Path | None) -> Check:
    """Whether other users of the machine can read a secret, or change what the service does."""
    name = "files of settings"
    keys = [PREFIX + secret.upper() for secret in SECRETS]
    holds_secret = [key for key in keys if any(place != ENVIRONMENT for place in origins.places.get(key, ()))]
    if holds_secret and (mode := _mode(env_file)) & 0o077 and _is_reachable(env_file):
        who = "every user" if mode & 0o007 else "the users of its group"
        told = f"{who} of this machine can read {env_file}, and it holds {' and '.join(holds_secret)}"
        cure = f"chmod 600 {env_file}, or put the secret into a file of its own and name that in {holds_secret[0]}_FILE"
        return Check(name, Result.WARNING, told, cure)
    looked_at = [path for path in (env_file, catalogue, settings.data_dir) if path is not None and is_there(path)]
    if open_to_all := [str(path) for path in looked_at if _mode(path) & 0o002 and not _mode(path) & stat.S_ISVTX]:
        told = f"every user of this machine can change {' and '.join(open_to_all)}"
        return Check(name, Result.WARNING, told, f"chmod o-w {' '.join(open_to_all)}")
    return Check(name, Result.OK, "no other user can change them" + (", or read a secret in them" * bool(holds_secret)))


def _is_reachable(path: Path) -> bool:
    """Whether others can get at it, through the directories above."""
    return all(_mode(above) & 0o011 for above in path.absolute().parents)


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def check_feeds(feeds: Sequence[Feed], catalogue: Path | None) -> Check:
    """Whether there is anything to watch."""
    where = str(catalogue) if catalogue else "the shipped RFI catalogue, for there is no feeds.toml here"
    off = sum(not feed.enabled for feed in feeds)
    if not feeds:
        return Check("feeds", Result.PROBLEM, f"there are none in {where}", "veille feeds add URL adds one")
    if off == len(feeds):
        return Check("feeds", Result.WARNING, f"all {off} of {where} are off", "veille feeds enable NAME")
    return Check("feeds", Result.OK, f"{len(feeds) - off} on, {off} off, in {where}")


def check_contact(settings: Settings) -> Check:
    """Whether the sites that are asked can reach whoever asks."""
    said = settings.user_agent or settings.contact or ""
    if "@" in said or "://" in said:
        return Check("contact", Result.OK, f"sites are told how to reach you: {said}")
    name = f"{PREFIX}{'USER_AGENT' if settings.user_agent else 'CONTACT'}"
    told = "sites cannot reach you, only block you"
    return Check("contact", Result.WARNING, told, f"put your address or web page into {name}")


async def check_notify(settings: Settings) -> Check:
    """Whether somebody is told of trouble, by services that are known. Nothing is sent."""
    from service.telling import check_addresses

    name = "notifications"
    if settings.notify_url is None:
        cure = f"{PREFIX}NOTIFY_URL names whom to tell: mailto://…, ntfy://…"
        return Check(name, Result.OK, "nobody is told of trouble; veille status shows it", cure)
    try:
        await check_addresses(settings.notify_url)
    except (SettingsError, OSError) as error:
        return Check(name, Result.PROBLEM, str(error), "correct the address")
    count = len(settings.notify_url.get_secret_value().split())
    return Check(
        name, Result.OK, f"{count} address{'' if count == 1 else 'es'}, each of a known service; none was tried"
    )
