"""What ``veille doctor`` makes of the systemd units, from what ``systemctl show`` prints of them."""

import sys
from pathlib import Path

import pytest

from service.health import Result, units
from service.settings import Settings

UNITS = Path(__file__).parents[2] / "deploy"
SETTINGS = Settings(data_dir=Path("/var/lib/veille"))
SERVICE = {
    "Id": "veille.service",
    "LoadState": "loaded",
    "ActiveState": "active",
    "UnitFileState": "enabled",
    "Result": "success",
    "NeedDaemonReload": "no",
    "Type": "notify",
    "WatchdogUSec": "2min",
    "Restart": "on-failure",
    "DynamicUser": "yes",
    "User": "veille",
    "ExecStart": f"{{ path={sys.executable} ; argv[]={sys.executable} run ; ignore_errors=no ; pid=0 ; status=0/0 }}",
    "Environment": "VEILLE_DATA_DIR=/var/lib/veille VEILLE_NOTIFY_URL_FILE=/run/credentials/veille.service/x",
    "WorkingDirectory": "!/etc/veille",
}
CRAWL = SERVICE | {
    "Id": "veille-crawl.service",
    "ActiveState": "inactive",
    "UnitFileState": "static",
    "Type": "oneshot",
    "WatchdogUSec": "infinity",
    "Restart": "no",
    "ExecStart": SERVICE["ExecStart"].replace(" run ", " crawl "),
}
TIMER = {"Id": "veille-crawl.timer", "LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled"}
ABSENT = {"LoadState": "not-found", "ActiveState": "inactive", "UnitFileState": ""}
OFF = {"ActiveState": "inactive", "UnitFileState": "disabled"}


def judged(*shown: dict[str, str]) -> dict[str, tuple[Result, str, str]]:
    text = "\n\n".join("\n".join(f"{name}={value}" for name, value in unit.items()) for unit in shown)
    found = units.judge(units.read_units(f"{text}\n"), SETTINGS)
    return {check.name: (check.result, check.detail, check.advice or "") for check in found}


def test_the_daemon_or_the_timer_or_both_are_fine() -> None:
    for shown in (
        (SERVICE, CRAWL | ABSENT, TIMER | ABSENT),
        (SERVICE | ABSENT, CRAWL, TIMER),
        (SERVICE, CRAWL, TIMER),
        (SERVICE | OFF, CRAWL, TIMER),
        (SERVICE, CRAWL, TIMER | OFF),
    ):
        found = judged(*shown)
        assert {result for result, _, _ in found.values()} == {Result.OK}, found
    assert "one is enough" in judged(SERVICE, CRAWL, TIMER)["systemd units"][1]


def test_where_none_is_installed_it_says_how() -> None:
    ((result, told, cure),) = judged(SERVICE | ABSENT, CRAWL | ABSENT, TIMER | ABSENT).values()
    assert (result, told, "INSTALL.md" in cure) == (
        Result.OK,
        "none is installed: veille runs while somebody starts it",
        True,
    )


def test_units_that_are_installed_but_off_are_a_warning() -> None:
    result, told, cure = judged(SERVICE | OFF, CRAWL, TIMER | OFF)["systemd units"]
    assert (result, "installed, but off" in told) == (Result.WARNING, True)
    assert cure == "systemctl enable --now veille.service"


@pytest.mark.parametrize(
    ("change", "result", "told", "cure"),
    [
        (
            {"ActiveState": "failed", "Result": "exit-code"},
            Result.PROBLEM,
            "failed (exit-code)",
            "journalctl -u veille",
        ),
        ({"ActiveState": "inactive"}, Result.WARNING, "on, but inactive", "systemctl start"),
        ({"UnitFileState": "disabled"}, Result.WARNING, "after the next boot", "systemctl enable"),
        ({"NeedDaemonReload": "yes"}, Result.WARNING, "changed since", "systemctl daemon-reload"),
        ({"Type": "simple"}, Result.WARNING, "Type=simple", "Type=notify"),
        ({"WatchdogUSec": "infinity"}, Result.WARNING, "without WatchdogSec", "WatchdogSec=120"),
        ({"WatchdogUSec": "0"}, Result.WARNING, "without WatchdogSec", "WatchdogSec=120"),
        ({"Restart": "no"}, Result.WARNING, "not started again", "Restart=on-failure"),
        ({"DynamicUser": "no", "User": ""}, Result.WARNING, "runs as root", "DynamicUser=yes"),
        (
            {"ExecStart": "{ path=/gone/veille ; argv[]=/gone/veille run ; }"},
            Result.PROBLEM,
            "is not there",
            "ExecStart",
        ),
        (
            {"ExecStart": f"{{ path={sys.executable} ; argv[]=veille crawl ; }}"},
            Result.WARNING,
            "not veille run",
            "ExecStart",
        ),
        (
            {"Environment": "VEILLE_DATA_DIR=/elsewhere"},
            Result.WARNING,
            "archives into /elsewhere",
            "cd /etc/veille && veille --data /elsewhere doctor",
        ),
    ],
)
def test_a_unit_that_is_not_as_it_must_be_is_told(change: dict[str, str], result: Result, told: str, cure: str) -> None:
    found = judged(SERVICE | change, CRAWL | ABSENT, TIMER | ABSENT)["veille.service"]
    assert (found[0], told in found[1], cure in found[2]) == (result, True, True), found


def test_a_user_of_its_own_is_as_good_as_a_dynamic_one() -> None:
    found = judged(SERVICE | {"DynamicUser": "no", "User": "news"}, CRAWL | ABSENT, TIMER | ABSENT)
    assert found["veille.service"][0] is Result.OK


def test_the_shipped_units_are_what_units_are_held_against() -> None:
    service = (UNITS / units.SERVICE).read_text()
    for line in ("Type=notify", "WatchdogSec=120", "Restart=on-failure", "DynamicUser=yes", "User=veille"):
        assert f"\n{line}\n" in service
    assert (UNITS / units.CRAWL).exists()
    assert (UNITS / units.TIMER).exists()


def test_without_systemd_it_says_so_and_a_systemctl_that_fails_breaks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "BOOTED", tmp_path / "nowhere")
    (check,) = units.check_units(SETTINGS)
    assert (check.result, check.detail) == (Result.OK, "systemd does not run this machine")
    monkeypatch.setattr(units, "BOOTED", tmp_path)
    for script in (None, "exit 1"):
        if script:
            (tmp_path / "systemctl").write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / "systemctl").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        (check,) = units.check_units(SETTINGS)
        assert (check.result, "systemctl does not tell" in check.detail) == (Result.OK, True)


def test_what_systemctl_prints_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = "\\n".join(f"{name}={value}" for name, value in SERVICE.items())
    (tmp_path / "systemctl").write_text(f"#!/bin/sh\nprintf '{shown}\\n'\n")
    (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setattr(units, "BOOTED", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    (check,) = units.check_units(SETTINGS)
    assert (check.name, check.result, check.detail) == ("veille.service", Result.OK, "enabled, active")
