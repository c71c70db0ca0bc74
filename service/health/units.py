"""The systemd units: whether they are installed, on, well, and still what they must be.

The units in force are held against what matters of those that are shipped; all else in them is their owner's affair.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from service.health.finding import Check, Result
from service.settings import PREFIX, Settings

SERVICE, CRAWL, TIMER = "veille.service", "veille-crawl.service", "veille-crawl.timer"
BOOTED = Path("/run/systemd/system")
"""There where systemd runs the machine: sd_booted(3)."""
PATIENCE = 5.0
"""Seconds for systemctl."""
_PROPERTIES = (
    "Id,LoadState,ActiveState,UnitFileState,Result,NeedDaemonReload,Type,WatchdogUSec,Restart,DynamicUser,User,"
    "ExecStart,Environment,WorkingDirectory"
)
_NAME = "systemd units"

Unit = Mapping[str, str]
"""A unit's properties, as ``systemctl show`` tells them."""


def check_units(settings: Settings) -> Iterator[Check]:
    """What there is to say of the units."""
    if not BOOTED.exists():
        told = "systemd does not run this machine"
        cure = "cron can start crawls: */15 * * * * veille crawl --quiet --fail-on all; or supervise veille run"
        yield Check(_NAME, Result.OK, told, cure)
        return
    try:
        units = read_units(_show())
    except (OSError, subprocess.SubprocessError) as error:
        yield Check(_NAME, Result.OK, f"systemctl does not tell: {error}")
        return
    yield from judge(units, settings)


def _show() -> str:
    command = ["systemctl", "show", f"--property={_PROPERTIES}", SERVICE, CRAWL, TIMER]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)  # noqa: S603
    return done.stdout


def read_units(text: str) -> dict[str, Unit]:
    """The units by name, from what ``systemctl show`` prints: ``NAME=VALUE`` lines, an empty line between two units."""
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.split("\n\n")]
    return {block["Id"]: block for block in blocks if "Id" in block}


def judge(units: Mapping[str, Unit], settings: Settings) -> Iterator[Check]:
    """What to make of them. Reads no more than whether the programs they name are there."""
    installed = {name: unit for name, unit in units.items() if unit.get("LoadState") == "loaded"}
    if SERVICE not in installed and TIMER not in installed:
        told = "none is installed: veille runs while somebody starts it"
        cure = "deploy/INSTALL.md installs them in ten lines; or veille crawl from cron"
        yield Check(_NAME, Result.OK, told, cure)
        return
    if not any(_is_on(unit) or _is_up(unit) for name, unit in installed.items() if name in {SERVICE, TIMER}):
        told = f"{' and '.join(name for name in (SERVICE, TIMER) if name in installed)}: installed, but off"
        yield Check(_NAME, Result.WARNING, told, f"systemctl enable --now {SERVICE if SERVICE in installed else TIMER}")
    elif all(name in installed and _is_on(installed[name]) for name in (SERVICE, TIMER)):
        told = f"{SERVICE} and {TIMER} are both on: one is enough, and both together do no harm"
        yield Check(_NAME, Result.OK, told)
    for name, unit in installed.items():
        yield from _judge_one(name, unit, settings)


def _judge_one(name: str, unit: Unit, settings: Settings) -> Iterator[Check]:
    found = [*_state(name, unit), *(_content(name, unit) if name != TIMER else ())]
    found += _place(unit, settings) if name == SERVICE else []
    for told, cure, result in found:
        yield Check(name, result, told, cure)
    if not found and (_is_on(unit) or _is_up(unit)):
        yield Check(name, Result.OK, f"{unit.get('UnitFileState') or 'not enabled'}, {unit.get('ActiveState')}")


_Finding = tuple[str, str, Result]


def _state(name: str, unit: Unit) -> Iterator[_Finding]:
    if unit.get("ActiveState") == "failed":
        told = f"it has failed ({unit.get('Result')})"
        yield told, f"journalctl -u {name} -n 50 says why; mend that, then systemctl restart {name}", Result.PROBLEM
    elif name != CRAWL and _is_on(unit) and not _is_up(unit):
        yield f"on, but {unit.get('ActiveState')}", f"systemctl start {name}", Result.WARNING
    elif name != CRAWL and _is_up(unit) and not _is_on(unit):
        yield "it runs, but will not after the next boot", f"systemctl enable {name}", Result.WARNING
    if unit.get("NeedDaemonReload") == "yes":
        told = "its file has changed since systemd read it"
        yield told, f"systemctl daemon-reload && systemctl restart {name}", Result.WARNING


def _content(name: str, unit: Unit) -> Iterator[_Finding]:
    shipped = f"as in the shipped {name}: systemctl cat {name} shows yours"
    program, arguments = _command(unit)
    if program and not Path(program).exists():
        told = f"its program {program} is not there, or cannot be seen from here"
        yield told, f"install veille there, or write ExecStart={shipped}", Result.PROBLEM
    verb = "run" if name == SERVICE else "crawl"
    if arguments and verb not in arguments:
        yield f"it starts {' '.join(arguments)}, not veille {verb}", f"write ExecStart={shipped}", Result.WARNING
    if unit.get("DynamicUser") != "yes" and unit.get("User", "") in {"", "root", "0"}:
        yield "it runs as root", f"write DynamicUser=yes and User=veille, {shipped}", Result.WARNING
    if name != SERVICE:
        return
    if unit.get("Type") not in {"notify", "notify-reload"}:
        told = f"Type={unit.get('Type')}: systemd does not learn when it is ready"
        yield told, f"write Type=notify, {shipped}", Result.WARNING
    if unit.get("WatchdogUSec", "0") in {"0", "infinity"}:
        told = "without WatchdogSec=: it is not restarted where it hangs"
        yield told, f"write WatchdogSec=120, {shipped}", Result.WARNING
    if unit.get("Restart") in {"no", "on-success"}:
        told = f"Restart={unit.get('Restart')}: it is not started again after a failure"
        yield told, f"write Restart=on-failure, {shipped}", Result.WARNING


def _place(unit: Unit, settings: Settings) -> list[_Finding]:
    """Whether it archives elsewhere than was looked at here."""
    found = re.search(rf"(?:^| ){PREFIX}DATA_DIR=(\S+)", unit.get("Environment", ""))
    if found is None or Path(found[1]).resolve() == settings.data_dir.resolve():
        return []
    folder = unit.get("WorkingDirectory", "").lstrip("!-~") or "/"
    told = f"it archives into {found[1]}, but {settings.data_dir} was looked at here"
    return [(told, f"cd {folder} && veille --data {found[1]} doctor", Result.WARNING)]


def _command(unit: Unit) -> tuple[str | None, list[str]]:
    """The program of ``ExecStart={ path=… ; argv[]=… ; … }``, and its arguments, itself the first."""
    path = re.search(r"path=(.*?) ;", unit.get("ExecStart", ""))
    words = re.search(r"argv\[\]=(.*?) ;", unit.get("ExecStart", ""))
    return path[1] if path else None, words[1].split() if words else []


def _is_on(unit: Unit) -> bool:
    return unit.get("UnitFileState") in {"enabled", "enabled-runtime"}


def _is_up(unit: Unit) -> bool:
    return unit.get("ActiveState") in {"active", "activating", "reloading", "deactivating"}
