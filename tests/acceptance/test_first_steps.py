"""What a newcomer runs into: mistyped addresses, an emptied feeds file, everything switched off, another time zone."""

import json
import signal
import subprocess
from pathlib import Path

import pytest
from command import VEILLE, environment, messages, start, veille
from newsstand import item, rss

from service.newsroom import Newsroom, Status


def catalogue(directory: Path, **urls: str) -> None:
    tables = (f'[[feed]]\nname = "{name}"\nurl = "{url}"\n' for name, url in urls.items())
    (directory / "feeds.toml").write_text("\n".join(tables), encoding="utf-8")


@pytest.mark.parametrize("url", ["http://xn--/", "http://999.1.1.1/rss", "http://[fe80::1%25eth0]/"])
def test_an_address_that_no_request_can_be_made_of_is_a_wrong_catalogue(tmp_path: Path, url: str) -> None:
    catalogue(tmp_path, good="https://a.example/rss", typo=url)
    done = veille(tmp_path, "crawl")
    assert done.returncode == 78
    assert messages(done) == [f'veille: feeds.toml:7: feed "typo": url: "{url}" is not an address']
    assert veille(tmp_path, "feeds", "add", url).returncode == 2


def test_a_feeds_file_emptied_or_mistyped_while_the_daemon_runs_changes_nothing(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=1) as room:
        url = room.sites[0].feed_url
        catalogue(tmp_path, good=url)
        daemon = start(tmp_path, "run", log_format="json")
        assert daemon.stderr is not None
        lines = iter(json.loads(line) for line in daemon.stderr)
        next(line for line in lines if line["event"] == "watching")
        for text in ("", f'[[feed]]\nname = "x"\nurl = "http://xn--/"\n# {url}'):
            (tmp_path / "feeds.toml").write_text(text, encoding="utf-8")
            daemon.send_signal(signal.SIGHUP)
            refused = next(line for line in lines if "reload" in line["event"])
            assert refused["event"] == "reload refused, the old settings and feeds stay"
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
        daemon.communicate()


def test_where_all_feeds_are_off_that_is_what_is_said(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text('[[feed]]\nname = "a"\nurl = "https://a.example/"\nenabled = false\n')
    done = veille(tmp_path, "crawl", "--all")
    assert (done.returncode, done.stdout) == (0, "all feeds are off (veille feeds enable NAME switches one on)\n")


@pytest.mark.slow
def test_a_dry_run_ends_as_the_crawl_would(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=1) as room:
        catalogue(tmp_path, good=room.sites[0].feed_url, dead="http://127.0.0.1:9/rss")
        assert veille(tmp_path, "crawl", "--dry-run").returncode == 3
        assert veille(tmp_path, "crawl", "--dry-run", "--fail-on", "all").returncode == 0
        assert veille(tmp_path, "crawl", "--dry-run", "dead").returncode == 4


def test_status_names_new_feeds_and_shows_times_where_the_settings_say(tmp_path: Path) -> None:
    with Newsroom(sites=2, stories=1) as room:
        one, other = (site.feed_url for site in room.sites)
        catalogue(tmp_path, one=one)
        assert veille(tmp_path, "crawl").returncode == 0
        catalogue(tmp_path, one=one, fresh=other)
    table = veille(tmp_path, "status", timezone="Asia/Tokyo").stdout.splitlines()
    assert any(line.split()[:2] == ["fresh", "new"] for line in table)
    assert sum("JST" in line for line in table) == 1
    listed = veille(tmp_path, "feeds", "list", timezone="Asia/Tokyo").stdout
    assert "JST" in listed
    assert "UTC" not in listed


@pytest.mark.slow
def test_an_address_by_its_ipv4_or_its_mapped_form_is_opened_alike(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=1) as room:
        address, _, port = room.sites[0].base_url.removeprefix("http://").rpartition(":")
        mapped = f"[::ffff:{address}]:{port}"
        url = room.sites[0].feed_url
        for opened in (mapped, f"{address}:{port}"):
            assert veille(tmp_path, "feeds", "test", url, allowed_networks=opened).returncode == 0
        refused = veille(tmp_path, "feeds", "test", f"http://{mapped}/rss", allowed_networks="10.0.0.1")
        assert refused.returncode == 4
        assert "among VEILLE_ALLOWED_NETWORKS opens it" in refused.stdout


@pytest.mark.slow
def test_discover_leaves_a_host_alone_that_asks_for_it(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=1) as room:
        page = room.serve("/start", "<title>no feed here</title><p>nothing")
        room.fault(f"{room.sites[0].base_url}/feed", Status(503, retry_after=600))
        catalogue(tmp_path, limited=room.serve("/limited.xml", rss(item("1")), "application/rss+xml"))
        veille(tmp_path, "feeds", "discover", page)
        guesses = [request.path for request in room.requests if request.path not in {"/robots.txt", "/start"}]
        assert guesses[-1] == "/feed"
        room.fault(f"{room.sites[0].base_url}/limited.xml", Status(429, retry_after=3600))
        assert veille(tmp_path, "crawl").returncode == 4
        before = len(room.requests)
        assert "asked for silence" in veille(tmp_path, "feeds", "discover", page).stderr
        assert len(room.requests) == before


def test_a_closed_output_is_nobody_s_bug(tmp_path: Path) -> None:
    catalogue(tmp_path, one="https://a.example/rss")
    shell = f"exec '{VEILLE}' feeds list >&-"
    done = subprocess.run(
        ["sh", "-c", shell], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "bug" not in done.stderr
