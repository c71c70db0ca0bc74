"""``veille doctor``, as the installed command: its lines and its exit codes."""

import json
import subprocess
from pathlib import Path

import pytest
from command import messages, veille

from service.newsroom import Newsroom, Status


def results(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(set(line) == {"check", "result", "detail", "advice"} for line in lines)
    return {line["check"]: line["result"] for line in lines}


def test_a_fresh_install_is_fine_but_for_the_contact(tmp_path: Path) -> None:
    done = veille(tmp_path, "doctor")
    assert done.returncode == 0
    told = [line for line in done.stdout.splitlines() if not line.startswith("ok       ")]
    of_machine = [
        line for line in told if line.startswith(("warning  clock synch", "warning  systemd", "warning  veille"))
    ]
    assert [line for line in told if line not in of_machine] == [
        "warning  contact: sites cannot reach you, only block you; put your address or web page into VEILLE_CONTACT"
    ]
    assert " checks: 0 problems, " in messages(done)[-1]
    assert "(contact" in messages(done)[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_feeds_are_asked_as_a_poll_would(tmp_path: Path) -> None:
    with Newsroom(sites=2, stories=1) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml())
        room.fault(room.sites[1], Status(403))
        names = [feed.name for feed in room.feeds]
        some = veille(tmp_path, "doctor", "--network", "--json")
        one = veille(tmp_path, "doctor", "--network", "--json", names[0])
        room.fault(room.sites[0], Status(503))
        all_ = veille(tmp_path, "doctor", "--network", "-q", *names)
    found = results(some)
    assert (some.returncode, one.returncode, all_.returncode) == (3, 0, 4)
    assert {name: found[f"feed {name}"] for name in names} == {
        feed.name: "problem" if feed.url.startswith(room.sites[1].base_url) else "ok" for feed in room.feeds
    }
    assert (found["names"], found["server clocks"]) == ("ok", "ok")
    assert [name for name in results(one) if name.startswith("feed ")] == [f"feed {names[0]}"]
    (refused,) = (line for line in some.stdout.splitlines() if "answers 403" in line)
    assert json.loads(refused)["advice"].startswith("the site refuses this client")
    assert not any(line.startswith("ok") for line in all_.stdout.splitlines())  # quiet
    assert [path.name for path in tmp_path.iterdir()] == ["feeds.toml"]


@pytest.mark.slow
def test_a_feed_that_could_be_better_is_a_warning_and_no_failure(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=1) as room:
        url = room.serve(
            "/empty", '<rss version="2.0"><channel><title>x</title></channel></rss>', "application/rss+xml"
        )
        (tmp_path / "feeds.toml").write_text(f'[[feed]]\nname = "mine"\nurl = "{url}"\n')
        done = veille(tmp_path, "doctor", "--network")
    assert done.returncode == 0
    assert "warning  feed mine: the document lists no entries; conditional requests work (304)" in done.stdout


def test_problems_have_their_exit_codes(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert veille(tmp_path, "doctor", data_dir="file").returncode == 74
    assert veille(tmp_path, "doctor", pol_interval="5m").returncode == 78
    assert veille(tmp_path, "doctor", "rfi-fr").returncode == 2
    (tmp_path / "feeds.toml").touch()
    assert veille(tmp_path, "doctor").returncode == 78
    assert veille(tmp_path, "doctor", data_dir="file").returncode == 74  # the worse one


def test_a_test_message_goes_to_somebody_or_is_a_problem(tmp_path: Path) -> None:
    nobody = veille(tmp_path, "doctor", "--notify")
    lost = veille(tmp_path, "doctor", "--notify", notify_url="json://user:secret@127.0.0.1:9/")
    assert (nobody.returncode, lost.returncode) == (78, 78)
    assert "problem  test message: VEILLE_NOTIFY_URL is not set" in nobody.stdout
    assert "problem  test message: the address could not be reached: " in lost.stdout
    assert "secret" not in lost.stdout + lost.stderr
