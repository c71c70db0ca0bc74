"""``veille feeds``, as the installed command."""

import json
import os
import stat
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import command
import pytest

FEEDS = """\
# mine

# the French one
[[feed]]
name = "rfi-fr"  # stays
url = "https://www.rfi.fr/fr/rss"
language = "fr"
publisher = "RFI"

# switched off for now
[[feed]]
name = "rfi-ha"
url = "https://www.rfi.fr/ha/rss"
enabled = false  # too much
tags = ["africa"]
"""

RSS = """\
<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>Le fil</title><link>/</link><language>fr</language>
<item><title>Un</title><link>/2026/un.html</link><guid>1</guid><pubDate>Mon, 23 Nov 2026 10:00:00 GMT</pubDate></item>
<item><title>Deux</title><guid isPermaLink="false">2</guid><pubDate>Mon, 23 Nov 2026 12:30:00 GMT</pubDate></item>
</channel></rss>"""


@dataclass
class Cli:
    """The command, in a directory of its own and a clean environment."""

    directory: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        return self.veille("feeds", *arguments, stdin=stdin)

    def veille(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        environment = {**command.environment(), "HOME": str(self.directory), "LANG": "C.UTF-8", **self.environment}
        done = subprocess.run(
            [command.VEILLE, *arguments],
            cwd=self.directory,
            env=environment,
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        result = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in result.stderr
        return result

    def json(self, *arguments: str) -> list[dict[str, Any]]:
        done = self(*arguments, "--json")
        return [json.loads(line) for line in done.stdout.splitlines()]

    @property
    def file(self) -> Path:
        return self.directory / "feeds.toml"


@pytest.fixture
def veille(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


@pytest.fixture
def with_feeds(veille: Cli) -> Cli:
    veille.file.write_text(FEEDS)
    return veille


# -- looking -----------------------------------------------------------------------------------------------------------


def test_without_a_feeds_file_the_shipped_rfi_feeds_are_listed_and_nothing_is_written(veille: Cli) -> None:
    done = veille("list")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["NAME", "LANGUAGE", "PUBLISHER", "HEALTH", "NEXT", "POLL"]
    assert ["rfi-fr", "fr", "RFI", "new", "now"] in [line.split() for line in lines]
    assert ["rfi-ff", "ff", "RFI", "off", "-"] in [line.split() for line in lines]
    assert "22 feeds, 3 of them off, in the shipped RFI catalogue" in done.stderr
    assert list(veille.directory.iterdir()) == []


def test_list_as_json_says_everything_that_is_set(with_feeds: Cli) -> None:
    first, second = with_feeds.json("list")
    assert first["name"] == "rfi-fr"
    assert first["health"] == "new"
    assert {key: second[key] for key in ("url", "language", "enabled", "tags", "interval", "obey_robots")} == {
        "url": "https://www.rfi.fr/ha/rss",
        "language": None,
        "enabled": False,
        "tags": ["africa"],
        "interval": None,
        "obey_robots": True,
    }
    assert [feed["name"] for feed in with_feeds.json("list", "--tag", "africa")] == ["rfi-ha"]


def test_show_tells_settings_and_state_without_an_archive(with_feeds: Cli) -> None:
    done = with_feeds("show", "rfi-fr")
    assert done.returncode == 0
    assert "url: https://www.rfi.fr/fr/rss" in done.stdout
    assert "due reason: never polled" in done.stdout
    [facts] = with_feeds.json("show", "rfi-fr")
    assert facts["entries"]["seen"] == 0


@pytest.mark.slow
def test_list_and_show_tell_what_the_archive_knows(online: Cli, site: str) -> None:
    online.file.write_text(
        f'[[feed]]\nname = "good"\nurl = "{site}/rss"\n\n[[feed]]\nname = "bad"\nurl = "{site}/broken"\n'
    )
    assert online.veille("crawl", "--fail-on", "never").returncode == 0
    good, bad = online.json("list")
    assert (good["health"], good["last_status"], good["title"]) == ("ok", 200, "Le fil")
    assert (bad["health"], bad["last_status"]) == ("failing", 500)
    assert good["next_due"] > good["last_success"]
    assert [line.split()[3] for line in online("list").stdout.splitlines()] == ["HEALTH", "ok", "failing"]
    shown = online("show", "bad").stdout
    assert "last error: answers 500" in shown
    assert online.json("show", "good")[0]["entries"]["seen"] == 2


@pytest.mark.parametrize("verb", ["show", "disable", "test"])
def test_an_unknown_feed_is_a_usage_error_with_a_suggestion(with_feeds: Cli, verb: str) -> None:
    done = with_feeds(verb, "rfi-fe")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "Error: no feed is named rfi-fe; did you mean rfi-fr?"
    assert with_feeds.file.read_text() == FEEDS


@pytest.mark.parametrize("arguments", [("list",), ("add", "https://a.example/"), ("disable", "a")])
def test_a_wrong_feeds_file_is_told_line_by_line_and_left_alone(veille: Cli, arguments: tuple[str, ...]) -> None:
    wrong = '[[feed]]\nname = "A"\nurl = "ftp://a.example/"\n'
    veille.file.write_text(wrong)
    done = veille(*arguments)
    assert done.returncode == 78
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert [line.partition(': feed "')[0] for line in lines] == ["veille: feeds.toml:2", "veille: feeds.toml:3"]
    assert veille.file.read_text() == wrong


def test_a_feeds_file_that_is_named_and_missing_is_told_in_one_line(veille: Cli) -> None:
    done = veille("list", "--feeds", "mine.toml")
    assert done.returncode == 78
    assert done.stderr == "veille: mine.toml: cannot be read: No such file or directory\n"


# -- editing -----------------------------------------------------------------------------------------------------------


def test_add_starts_a_feeds_file_and_says_so(veille: Cli) -> None:
    done = veille("add", "https://www.rfi.fr/fr/rss", "--language", "fr", "--tag", "africa", "--interval", "30m")
    assert done.returncode == 0
    assert "feeds.toml: added rfi-fr" in done.stderr
    assert "feeds.toml is new" in done.stderr
    assert veille.file.read_text().startswith("# The feeds to watch")
    [feed] = veille.json("list")
    assert (feed["name"], feed["url"], feed["language"]) == ("rfi-fr", "https://www.rfi.fr/fr/rss", "fr")
    assert (feed["interval"], feed["tags"], feed["publisher"]) == ("30m", ["africa"], None)


def test_add_goes_to_the_end_of_the_file_in_use(with_feeds: Cli) -> None:
    other = with_feeds.file.rename(with_feeds.directory / "other.toml")
    other.chmod(0o640)
    done = with_feeds(
        "add", "https://www.rfi.fr/en/rss", "--feeds", "other.toml", "--name", "x", "--disabled", "--json"
    )
    assert json.loads(done.stdout) == {"feed": "x", "change": "added", "file": "other.toml"}
    assert other.read_text() == FEEDS + '\n[[feed]]\nname = "x"\nurl = "https://www.rfi.fr/en/rss"\nenabled = false\n'
    assert stat.S_IMODE(other.stat().st_mode) == 0o640
    assert sorted(path.name for path in with_feeds.directory.iterdir()) == ["other.toml"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("https://WWW.rfi.fr/fr/rss",), "is watched already, as rfi-fr"),
        (("https://a.example/", "--name", "rfi-fr"), "another feed is named rfi-fr"),
        (("https://a.example/", "--name", "RFI"), '"RFI" is no name'),
        (("https://a.example/", "--language", "French"), '"French" is not a BCP 47 language tag'),
        (("rfi.fr/rss",), "is not an http or https address"),
    ],
)
def test_what_may_not_stand_is_not_added(with_feeds: Cli, arguments: tuple[str, ...], reason: str) -> None:
    done = with_feeds("add", *arguments)
    assert done.returncode == 2
    assert reason in done.stderr.splitlines()[-1]
    assert with_feeds.file.read_text() == FEEDS


def test_remove_enable_and_disable_keep_the_comments_of_the_others(with_feeds: Cli) -> None:
    assert with_feeds("enable", "rfi-ha").returncode == 0
    assert with_feeds.file.read_text() == FEEDS.replace("enabled = false  # too much", "enabled = true  # too much")
    assert with_feeds("disable", "rfi-ha").returncode == 0
    assert with_feeds.file.read_text() == FEEDS
    assert with_feeds("remove", "rfi-ha").returncode == 0
    assert with_feeds.file.read_text() == FEEDS[: FEEDS.index("\n# switched off")]


def test_what_is_so_already_is_said_and_not_written(with_feeds: Cli) -> None:
    before = with_feeds.file.stat()
    done = with_feeds("disable", "rfi-ha")
    assert (done.returncode, done.stderr) == (0, "nothing to change in feeds.toml\n")
    assert with_feeds.file.stat().st_ino == before.st_ino


def test_an_edit_of_the_shipped_catalogue_makes_a_copy_of_it(veille: Cli) -> None:
    done = veille("disable", "rfi-ru", "rfi-vi")
    assert done.returncode == 0
    assert "feeds.toml is new" in done.stderr
    feeds = {feed["name"]: feed["enabled"] for feed in veille.json("list")}
    assert len(feeds) == 22
    assert (feeds["rfi-ru"], feeds["rfi-vi"], feeds["rfi-fr"]) == (False, False, True)
    assert "None of these addresses was checked live" in veille.file.read_text()


def test_a_symbolic_link_to_the_feeds_file_stays_one(with_feeds: Cli) -> None:
    kept = with_feeds.file.rename(with_feeds.directory / "kept.toml")
    with_feeds.file.symlink_to("kept.toml")
    assert with_feeds("remove", "rfi-fr").returncode == 0
    assert with_feeds.file.is_symlink()
    assert "rfi-fr" not in kept.read_text()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_told_in_one_line(with_feeds: Cli) -> None:
    with_feeds.directory.chmod(0o500)
    try:
        done = with_feeds("enable", "rfi-ha")
    finally:
        with_feeds.directory.chmod(0o700)
    assert (done.returncode, done.stderr) == (78, "veille: feeds.toml: cannot be written: Permission denied\n")
    assert with_feeds.file.read_text() == FEEDS


def test_a_directory_that_is_not_there_is_told_in_one_line(veille: Cli) -> None:
    done = veille("add", "https://a.example/", "--feeds", "nowhere/feeds.toml")
    assert done.returncode == 74
    assert done.stderr == "veille: nowhere/feeds.toml: cannot be written: No such file or directory\n"


def test_opml_goes_out_and_comes_in_again(with_feeds: Cli, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert with_feeds("export", "-o", "feeds.opml").returncode == 0
    elsewhere = Cli(tmp_path_factory.mktemp("elsewhere"))
    done = elsewhere("import", str(with_feeds.directory / "feeds.opml"))
    assert done.returncode == 0
    kept = ("name", "url", "language", "enabled", "tags")
    there, here = elsewhere.json("list"), with_feeds.json("list")
    assert [[feed[key] for key in kept] for feed in there] == [[feed[key] for key in kept] for feed in here]


def test_import_adds_what_is_new_from_standard_input_and_says_what_it_leaves_out(with_feeds: Cli) -> None:
    opml = b"""<opml version="2.0"><body><outline text="Afrique">
      <outline text="RFI" xmlUrl="https://www.rfi.fr/fr/rss"/>
      <outline text="rfi fr" xmlUrl="https://other.example/rss"/>
      <outline text="old" xmlUrl="gopher://old.example"/></outline></body></opml>"""
    done = with_feeds("import", "-", stdin=opml)
    assert done.returncode == 0
    assert "left out: https://www.rfi.fr/fr/rss is watched already" in done.stderr
    assert 'left out: old: "gopher://old.example" is not an http or https address' in done.stderr
    assert with_feeds.file.read_text() == FEEDS + (
        '\n[[feed]]\nname = "rfi-fr-2"\nurl = "https://other.example/rss"\ntags = ["Afrique"]\n'
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "not well-formed XML"), (b"<rss/>", "not OPML"), (b"<!DOCTYPE a []><opml/>", "document type")],
)
def test_what_is_no_opml_is_a_usage_error(with_feeds: Cli, data: bytes, reason: str) -> None:
    done = with_feeds("import", "-", stdin=data)
    assert done.returncode == 2
    assert reason in done.stderr.splitlines()[-1]
    assert with_feeds.file.read_text() == FEEDS


def test_export_as_toml_is_the_feeds_file_itself(with_feeds: Cli) -> None:
    assert with_feeds("export", "--format", "toml").stdout == FEEDS


# -- asking the network ------------------------------------------------------------------------------------------------


class _Site(BaseHTTPRequestHandler):
    answers: Mapping[str, tuple[int, dict[str, str], str]] = {
        "/robots.txt": (200, {"Content-Type": "text/plain"}, "User-agent: *\nDisallow: /private\n"),
        "/rss": (200, {"Content-Type": "application/rss+xml", "ETag": '"1"'}, RSS),
        "/private/rss": (200, {"Content-Type": "application/rss+xml"}, RSS),
        "/moved": (301, {"Location": "/rss"}, ""),
        "/page": (200, {"Content-Type": "text/html"}, "<title>x</title><p>Nothing here."),
        "/linked": (
            200,
            {"Content-Type": "text/html"},
            '<link rel=alternate type=application/rss+xml title="Le fil" href=/rss>',
        ),
        "/broken": (500, {}, "no"),
    }

    def do_GET(self) -> None:
        status, headers, body = self.answers.get(self.path, (404, {}, ""))
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body.encode()))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def online(veille: Cli) -> Cli:
    return veille


def test_discover_lists_what_a_page_points_to(online: Cli, site: str) -> None:
    done = online("discover", f"{site}/linked")
    assert (done.returncode, done.stdout) == (0, f"{site}/rss  RSS  Le fil\n")


def test_discover_tries_the_usual_places_where_a_page_points_to_nothing(online: Cli, site: str) -> None:
    done = online("discover", f"{site}/page", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"url": f"{site}/rss", "title": "Le fil", "type": "RSS 2.0"}


def test_discover_knows_a_feed_when_it_is_given_one(online: Cli, site: str) -> None:
    assert online("discover", f"{site}/rss").stdout == f"{site}/rss  RSS 2.0  Le fil\n"


def test_discover_asks_robots_txt_first(online: Cli, site: str) -> None:
    done = online("discover", f"{site}/private/rss")
    assert (done.returncode, done.stdout) == (4, "")
    assert "forbidden by robots.txt" in done.stderr


def test_discover_finding_nothing_exits_with_4(online: Cli) -> None:
    done = online("discover", "http://127.0.0.1:1/")
    assert (done.returncode, done.stdout) == (4, "")
    assert "no feed found" in done.stderr
