"""Limits, workers, certificates, and the units of systemd."""

import os
import resource
import subprocess
from pathlib import Path

from service.health.check import Check, Result
from service.net.slots import SLOW_SHARE
from service.net.transport import MAX_IDLE, public_authorities
from service.settings import PREFIX, Settings

SYSTEMD = Path("/run/systemd/system")
"""Is there where systemd runs the machine: sd_booted(3)."""
UNITS = ("veille.service", "veille-crawl.timer")
_OTHER_FILES = 64
"""Open files beside connections: the archive, the database, pipes to the workers."""


def check_open_files(settings: Settings) -> Check:
    """Whether enough files may be open at once."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    least = settings.concurrency + _OTHER_FILES
    most = settings.concurrency * SLOW_SHARE + MAX_IDLE + _OTHER_FILES
    detail = f"{limit} allowed, up to {most} needed at {PREFIX}CONCURRENCY={settings.concurrency}"
    cure = "raise the limit (ulimit -n, LimitNOFILE=) or lower the setting"
    if limit == resource.RLIM_INFINITY or limit >= most:
        return Check("open files", Result.OK, detail.replace(str(limit), "any number", limit == resource.RLIM_INFINITY))
    return Check("open files", Result.WARNING if limit >= least else Result.PROBLEM, f"{detail}: {cure}")


def check_workers(settings: Settings) -> Check:
    """Extraction processes against cores."""
    cores = len(os.sched_getaffinity(0))
    detail = f"{settings.workers} on {cores} core{'' if cores == 1 else 's'}"
    if settings.workers > cores:
        return Check("workers", Result.WARNING, f"{detail}: more than cores take memory and gain nothing")
    return Check("workers", Result.OK, detail)


def check_certificates() -> Check:
    """Whether there is anybody to vouch for https sites."""
    try:
        count = public_authorities().cert_store_stats()["x509_ca"]
    except OSError as error:
        return Check(
            "certificates", Result.PROBLEM, f"the public authorities' are missing ({error.strerror}): reinstall"
        )
    if not count:
        return Check("certificates", Result.PROBLEM, "there are none of public authorities: no https site can be asked")
    return Check("certificates", Result.OK, f"{count} public authorities are trusted")


def check_units() -> Check:
    """Whether systemd has the units, and how they are."""
    if not SYSTEMD.is_dir():
        return Check(
            "units", Result.OK, "systemd does not run this machine; deploy/WITHOUT-SYSTEMD.md has cron and nohup"
        )
    states = {unit: _unit(unit) for unit in UNITS}
    if None in states.values():
        return Check("units", Result.OK, "systemctl does not answer")
    installed = {unit: state for unit, state in states.items() if state and state["LoadState"] == "loaded"}
    if not installed:
        return Check("units", Result.OK, "none are installed; deploy/INSTALL.md does it in ten lines")
    told = [f"{unit} {state['UnitFileState'] or 'static'}, {state['ActiveState']}" for unit, state in installed.items()]
    if broken := [unit for unit, state in installed.items() if state["ActiveState"] == "failed"]:
        cure = f"journalctl -u {broken[0]} -n 20 says why"
        return Check("units", Result.PROBLEM, f"{'; '.join(told)}: {cure}")
    if not any(state["UnitFileState"] == "enabled" for state in installed.values()):
        cure = f"systemctl enable --now {UNITS[0]}, or {UNITS[1]} for a crawl every quarter of an hour"
        return Check("units", Result.WARNING, f"{'; '.join(told)}: nothing starts with the machine; {cure}")
    return Check("units", Result.OK, "; ".join(told))


def _unit(unit: str) -> dict[str, str] | None:
    """What systemd knows of a unit; None where it does not say."""
    names = ("LoadState", "UnitFileState", "ActiveState")
    try:
        said = subprocess.run(  # noqa: S603  nothing in it comes from outside
            ["systemctl", "show", f"--property={','.join(names)}", unit],  # noqa: S607  wherever it lies
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = dict(line.partition("=")[::2] for line in said.splitlines())
    return {name: found.get(name, "") for name in names}
