"""The command as a user meets it: exit codes, one clear line for each mistake, help that answers at once."""

import json
import resource
import subprocess
from pathlib import Path

import pytest
from command import VEILLE, environment, messages, start, veille

from service.newsroom import Newsroom


def test_help_answers_in_under_150_ms_of_cpu(tmp_path: Path) -> None:
    def cpu() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([VEILLE, "--help"], cwd=tmp_path, env=environment(), capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(cpu() for _ in range(3)) < 0.150


@pytest.mark.parametrize(
    "verb", ["init", "crawl", "run", "feeds", "status", "show", "verify", "seal", "doctor", "demo"]
)
def test_every_verb_has_help(verb: str, tmp_path: Path) -> None:
    done = veille(tmp_path, verb, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: veille {verb}")


def test_the_version_is_told(tmp_path: Path) -> None:
    from service import __version__

    assert veille(tmp_path, "--version").stdout.strip().endswith(__version__)


@pytest.mark.parametrize("words", [["crawll"], ["crawl", "--fore"], ["crawl", "--fail-on", "sometimes"], ["show"]])
def test_a_usage_error_exits_with_2(words: list[str], tmp_path: Path) -> None:
    done = veille(tmp_path, *words)
    assert done.returncode == 2
    assert messages(done)


@pytest.mark.parametrize("option", ["--data", "--feeds", "--env-file"])
def test_an_empty_path_is_not_taken_for_the_current_directory(option: str, tmp_path: Path) -> None:
    done = veille(tmp_path, "crawl", option, "")
    assert done.returncode == 2
    assert messages(done)[-1] == f"Error: Invalid value for '{option}': it is empty"
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_feed_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    done = veille(tmp_path, "crawl", "rfi-frr")
    assert done.returncode == 2
    assert messages(done)[-1] == "Error: no feed is named rfi-frr; did you mean rfi-fr?"


def test_an_unknown_setting_exits_with_78_and_a_suggestion(tmp_path: Path) -> None:
    done = veille(tmp_path, "crawl", pol_interval="5m")
    assert done.returncode == 78
    assert messages(done) == [
        "veille: environment: VEILLE_POL_INTERVAL is no setting; did you mean VEILLE_POLL_INTERVAL?"
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[[feed]]\nname = "a"\nurl = "http://a.example/"\n[[feed]]\nname = "a"\nurl = "http://b.example/"\n', ":5:"),
        ('[[feed]]\nname = "A feed"\nurl = "http://a.example/"\n', ":2:"),
        ('[[feed]]\nname = "a"\nurl = "ftp://a.example/"\n', ":3:"),
        ('[[feed]]\nname = "a\nurl = "http://a.example/"\n', ":2"),
    ],
    ids=["the name stands twice", "no slug", "no http", "no TOML"],
)
def test_a_wrong_catalogue_exits_with_78_and_names_file_and_line(text: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text(text, encoding="utf-8")
    done = veille(tmp_path, "crawl")
    assert done.returncode == 78
    (message,) = messages(done)
    assert f"feeds.toml{line}" in message


def test_a_catalogue_that_is_not_there_exits_with_78(tmp_path: Path) -> None:
    done = veille(tmp_path, "--feeds", "nowhere.toml", "crawl")
    assert done.returncode == 78
    assert messages(done) == ["veille: nowhere.toml: cannot be read: No such file or directory"]


def test_a_data_directory_that_cannot_be_written_exits_with_74(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = veille(tmp_path, "--data", "file/data", "crawl")
    assert done.returncode == 74
    (message,) = messages(done)
    assert "file" in message


@pytest.mark.parametrize("words", [["status"], ["verify"], ["seal"], ["show", "0123"]])
def test_looking_where_there_is_no_archive_exits_with_10(words: list[str], tmp_path: Path) -> None:
    done = veille(tmp_path, *words)
    assert done.returncode == 10
    assert len(messages(done)) == 1
    assert list(tmp_path.iterdir()) == []


def test_init_writes_what_crawl_reads_and_overwrites_nothing(tmp_path: Path) -> None:
    assert veille(tmp_path, "init", "here").returncode == 0
    (tmp_path / "here" / ".env").write_text("# mine\n", encoding="utf-8")
    assert veille(tmp_path, "init", "here").returncode == 0
    assert (tmp_path / "here" / ".env").read_text(encoding="utf-8") == "# mine\n"
    assert '"rfi-fr"' in veille(tmp_path / "here", "feeds", "list", "--json").stdout


def test_feeds_that_all_fail_exit_with_4_and_say_why(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text('[[feed]]\nname = "dead"\nurl = "http://127.0.0.1:9/rss"\n', encoding="utf-8")
    done = veille(tmp_path, "crawl")
    assert done.returncode == 4
    assert messages(done)[0].startswith("feed dead: ")
    assert veille(tmp_path, "crawl", "--fail-on", "never").returncode == 0


def test_a_crawl_shows_verifies_and_counts_what_it_archived(tmp_path: Path) -> None:
    with Newsroom(sites=2, stories=3) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        story = room.stories()[0]
        crawled = veille(tmp_path, "crawl", "--json")
    lines = [json.loads(line) for line in crawled.stdout.splitlines()]
    assert lines[-1]["event"] == "summary"
    assert lines[-1]["archived"] == sum(line["event"] == "archived" for line in lines) == 6
    assert crawled.returncode == 0
    assert messages(crawled) == []

    totals = [json.loads(line) for line in veille(tmp_path, "status", "--json").stdout.splitlines()][-1]["total"]
    assert totals["seen"] == sum(count for outcome, count in totals.items() if outcome != "seen")
    assert totals["archived"] == 6

    assert veille(tmp_path, "verify").returncode == 0
    by_url = veille(tmp_path, "show", story.url)
    assert story.title in by_url.stdout
    assert set(story.paragraphs) <= set(by_url.stdout.splitlines())
    record = json.loads(veille(tmp_path, "show", story.url, "--json").stdout)
    full = veille(tmp_path, "show", record["id"][:8], "--full").stdout.splitlines()
    assert len(full) == record["paragraphs"]


def test_a_dry_run_tells_what_is_new_and_keeps_nothing(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=2) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        done = veille(tmp_path, "crawl", "--dry-run")
        assert room.page_requests() == []
        title = room.stories()[0].title
    assert done.returncode == 0
    assert title in done.stdout
    assert not (tmp_path / "data").exists()


def test_a_second_process_on_the_same_archive_exits_with_75(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=1) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml(), encoding="utf-8")
        daemon = start(tmp_path, "run", log_format="json")
        try:
            assert daemon.stderr is not None
            assert "watching" in daemon.stderr.readline()
            done = veille(tmp_path, "crawl")
            assert veille(tmp_path, "status").returncode == 0
        finally:
            daemon.terminate()
            daemon.communicate(timeout=30)
    assert done.returncode == 75
    (message,) = messages(done)
    assert str(daemon.pid) in message
    assert daemon.returncode == 0


@pytest.mark.slow
def test_the_demo_ends_with_articles_and_can_be_had_again(tmp_path: Path) -> None:
    for _ in range(2):
        done = veille(tmp_path, "demo")
        assert done.returncode == 0, done.stderr
        assert "2 as a new revision" in done.stdout
    assert veille(tmp_path, "--data", "demo", "verify").returncode == 0


def test_the_demo_touches_no_directory_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.txt").write_text("years of work", encoding="utf-8")
    done = veille(tmp_path, "demo")
    assert done.returncode == 2
    assert messages(done)[-1].startswith("Error: demo is not empty")
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["thesis.txt"]
