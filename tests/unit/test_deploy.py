"""The systemd units: they parse, they are as tight as they say, and what they run and name exists."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from command import VEILLE

from service.cli import veille
from service.daemon import DRAIN
from service.settings import PREFIX, SECRETS, Settings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
INSTALLED = "/opt/veille/bin/veille"
UNITS = sorted(path.name for path in DEPLOY.iterdir() if path.suffix in {".service", ".timer"})
SERVICES = [name for name in UNITS if name.endswith(".service")]
HARDENING = "# -- what it cannot do"
ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSED = 12
"""In tenths, as ``systemd-analyze security`` counts them."""

needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze, which looks at units, is not on PATH")


@dataclass(frozen=True)
class Directive:
    """A line of a unit, with its section."""

    section: str
    key: str
    value: str


def directives(unit: str) -> list[Directive]:
    """The directives of a unit; fails on a line that is none, nor a comment, a section or empty."""
    found, section = [], ""
    for line in (DEPLOY / unit).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            written = re.fullmatch(r"([A-Z][A-Za-z]+)=(.*)", line)
            assert written, f"{unit}: {line!r}"
            found.append(Directive(section, *written.groups()))
    return found


def values(unit: str, key: str) -> list[str]:
    return [directive.value for directive in directives(unit) if directive.key == key]


def value(unit: str, key: str) -> str:
    (only,) = values(unit, key)
    return only


def environment(unit: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in values(unit, "Environment"))


def hardening(unit: str) -> str:
    _, _, rest = (DEPLOY / unit).read_text(encoding="utf-8").partition(HARDENING)
    return rest.partition("[Install]")[0].strip()


def seconds(duration: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(s|min|h|)", duration).groups()  # type: ignore[union-attr]
    return int(number) * {"": 1, "s": 1, "min": 60, "h": 3600}[unit]


def test_the_units_are_the_daemon_the_crawl_and_its_timer() -> None:
    assert UNITS == ["veille-crawl.service", "veille-crawl.timer", "veille.service"]
    assert values("veille-crawl.timer", "Unit") == []  # so it starts the service of its own name
    assert {directive.section for directive in directives("veille-crawl.timer")} == {"Unit", "Timer", "Install"}


@needs_systemd
def test_systemd_finds_nothing_to_say_about_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = (DEPLOY / unit).read_text(encoding="utf-8")
        (tmp_path / unit).write_text(text.replace(INSTALLED, str(VEILLE)), encoding="utf-8")
    done = analyze("verify", "--man=no", "--recursive-errors=no", *(tmp_path / unit for unit in UNITS))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES)
def test_the_exposure_is_at_most_1_2(unit: str, record_property: Callable[[str, object], None]) -> None:
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", DEPLOY / unit)
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposure is not None, done.stderr
    record_property("measured", f"{unit}: exposure {exposure[1]}")
    assert float(exposure[1]) * 10 <= MOST_EXPOSED, done.stdout
    assert done.returncode == 0, done.stderr


@needs_systemd
def test_the_timer_s_calendar_is_one() -> None:
    done = analyze("calendar", "--iterations=2", value("veille-crawl.timer", "OnCalendar"))
    assert done.returncode == 0, done.stderr
    assert re.search(r"Normalized form: \*-\*-\* \*:00/15:00", done.stdout)


def analyze(*words: object) -> "subprocess.CompletedProcess[str]":
    assert ANALYZE is not None
    return subprocess.run([ANALYZE, *map(str, words)], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("unit", SERVICES)
def test_every_hardening_line_is_explained_above_it(unit: str) -> None:
    lines = hardening(unit).splitlines()[1:]
    assert len([line for line in lines if "=" in line and not line.startswith("#")]) >= 30
    for above, line in zip(["", *lines], lines, strict=False):
        if line and not line.startswith("#"):
            assert re.fullmatch(r"# .+[.,]", above), f"{line} stands below {above!r}"


def test_both_services_are_hardened_alike() -> None:
    assert hardening("veille.service") == hardening("veille-crawl.service")


@pytest.mark.parametrize("unit", SERVICES)
def test_what_a_service_runs_is_a_verb_with_options_that_exist(unit: str) -> None:
    program, *words = shlex.split(value(unit, "ExecStart"))
    assert program == INSTALLED
    command: click.Command = veille
    while words and isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    assert not isinstance(command, click.Group)
    command.make_parser(click.Context(command)).parse_args(words)


@pytest.mark.parametrize("unit", SERVICES)
def test_the_exit_codes_a_service_tells_apart_are_the_command_s(unit: str) -> None:
    told = " ".join(values(unit, "SuccessExitStatus") + values(unit, "RestartPreventExitStatus")).split()
    assert told
    assert veille.epilog is not None
    assert set(told) <= set(re.findall(r"\d+", veille.epilog))


@pytest.mark.parametrize("unit", SERVICES)
def test_every_secret_is_a_credential_whose_file_may_be_missing(unit: str) -> None:
    names = [name for name in environment(unit) if name.endswith("_FILE")]
    assert names == [f"{PREFIX}{secret.upper()}_FILE" for secret in SECRETS]
    credentials = [f"{PREFIX.lower().strip('_')}.{secret}" for secret in SECRETS]
    assert [environment(unit)[name] for name in names] == [f"%d/{credential}" for credential in credentials]
    # a name without a path is looked for in /etc/credstore, and is no failure where it is not there
    assert values(unit, "LoadCredential") == credentials
    assert values(unit, "SetCredential") == [rf"{credential}:\n" for credential in credentials]


@pytest.mark.parametrize("unit", SERVICES)
def test_every_setting_of_a_unit_exists(unit: str) -> None:
    names = {name.removeprefix(PREFIX).lower() for name in environment(unit)}
    assert names <= Settings.model_fields.keys() | {f"{secret}_file" for secret in SECRETS}


@pytest.mark.parametrize("unit", SERVICES)
def test_the_archive_lies_where_systemd_lets_the_service_write(unit: str) -> None:
    assert environment(unit)["VEILLE_DATA_DIR"] == f"/var/lib/{value(unit, 'StateDirectory')}"
    # with DynamicUser the state directory is a link to here, and only this path is the mount that counts
    assert f"/var/lib/private/{value(unit, 'StateDirectory')}" in value(unit, "NoExecPaths").split()


@pytest.mark.parametrize("unit", SERVICES)
def test_systemd_waits_longer_than_the_service_drains(unit: str) -> None:
    assert seconds(value(unit, "TimeoutStopSec")) > DRAIN
    assert value(unit, "KillMode") == "mixed"


def test_the_daemon_waits_for_the_timer_s_crawl_which_never_stops_it() -> None:
    assert "veille-crawl.service" in value("veille.service", "After").split()
    assert [key for unit in UNITS for key in ("Conflicts", "Requires", "BindsTo") if values(unit, key)] == []
    assert "75" in value("veille-crawl.service", "SuccessExitStatus").split()


def test_the_installation_copies_every_unit_and_enables_what_can_be_enabled() -> None:
    text = (DEPLOY / "INSTALL.md").read_text(encoding="utf-8")
    assert set(re.findall(r"deploy/(\S+\.(?:service|timer))", text)) == set(UNITS)
    enabled = set(re.findall(r"systemctl enable --now (\S+)", text))
    assert enabled == {unit for unit in UNITS if any(d.section == "Install" for d in directives(unit))}
    assert f"{Path(INSTALLED).parents[1]} " in text
