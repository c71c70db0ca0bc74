"""The benchmarks run: what they print is read by people, and would be missed too late."""

import gzip
import json
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.slow

BENCH = Path(__file__).parents[2] / "bench"


def test_the_benchmark_of_the_index_drives_the_store_and_makes_no_mistake() -> None:
    done = subprocess.run(
        [sys.executable, BENCH / "dedup.py", "--sizes", "0.01", "--articles", "100", "--stores", "sqlite"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "sqlite" in done.stdout
    assert "mistaken" not in done.stdout


def test_the_soak_archives_every_story_once_and_draws_what_it_saw(tmp_path: Path) -> None:
    few = ["--minutes", "0.25", "--rate", "4", "--feeds", "9", "--every", "1", "--articles", "70"]
    done = subprocess.run(
        [sys.executable, BENCH / "soak.py", *few, "--least-minutes", "0.25", "--output", tmp_path],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    figures = json.loads((tmp_path / "soak.json").read_text(encoding="utf-8"))
    assert figures["archived"] >= 70, done.stderr
    passed = {verdict["question"]: verdict["passed"] for verdict in figures["verdicts"]}
    assert passed["at least 0.25 minutes"]
    assert passed["every story archived once, books balance"], done.stdout
    assert {"main", "fork server", "resource tracker", "worker"} == figures["most_threads"].keys()
    assert done.returncode == (not all(passed.values()))
    assert (tmp_path / "soak.svg").read_text(encoding="utf-8").count("<path") >= 4 * 3


def test_the_benchmark_of_a_crawl_delivers_every_page_and_tells_what_it_cost(tmp_path: Path) -> None:
    few = ["--quick", "--sites", "2", "--stories", "2", "--worlds", "newsroom", "--only", "bare,veille-raw"]
    done = subprocess.run(
        [sys.executable, BENCH / "crawl.py", *few, "--output", tmp_path / "crawl.json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    bare, veille = json.loads((tmp_path / "crawl.json").read_text(encoding="utf-8"))["newsroom"]["rows"]
    for row in (bare, veille):
        assert (row["problem"], row["delivered"], row["texts"]) == (None, [4], [4])
    assert bare["ratio"] == [1.0]
    assert veille["ratio"][0] > 0
    assert "| veille-raw: " in done.stdout


def test_the_benchmark_of_growth_crawls_an_archive_that_is_sound_but_for_its_index(tmp_path: Path) -> None:
    few = ["--sizes", "300", "--rounds", "1", "--sites", "2", "--stories", "2", "--quiet", "3", "--backlog", "100"]
    done = subprocess.run(
        [sys.executable, BENCH / "growth.py", *few, "--directory", tmp_path, "--output", tmp_path / "growth.json"],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (size,) = json.loads((tmp_path / "growth.json").read_text(encoding="utf-8"))["sizes"]
    assert size["records"] == 300
    assert all(size[name][0] > 0 for name in ("article", "start", "main", "backlog_of_one", "backlog_of_all"))
    (data,) = tmp_path.glob("300-*/data")
    veille = [Path(sys.executable).with_name("veille"), "--data", data, "verify"]
    verified = subprocess.run(veille, capture_output=True, text=True, timeout=60, check=False)
    told = verified.stdout.splitlines()
    assert len(told) == 300, "fingerprints are drawn, which verify sees of every record; it is to see nothing else"
    assert all("the index of texts has other paragraphs of" in line for line in told), told[:3]


def test_the_server_of_the_benchmarks_counts_a_page_as_delivered_only_where_all_of_it_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(BENCH)
    from world import build_newsroom, free_ground, served

    world = build_newsroom(tmp_path / "world", 2, 2, free_ground())
    page = world.pages[0]
    parts = urlsplit(page.url)
    with served(world) as server:
        connection = HTTPConnection(parts.netloc)

        def ask(method: str, **headers: str) -> tuple[int, bytes, str | None]:
            connection.request(method, parts.path, headers={name.replace("_", "-"): headers[name] for name in headers})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.getheader("ETag")

        status, body, etag = ask("HEAD")
        assert (status, body) == (200, b"")
        assert etag is not None
        assert ask("GET", If_None_Match=etag) == (304, b"", etag)
        assert server.delivered(world.pages) == ()
        status, body, _ = ask("GET")
        assert (status, len(body)) == (200, page.length)
        assert gzip.decompress(ask("GET", Accept_Encoding="gzip")[1]) == body
        assert server.delivered(world.pages) == (page,)
        connection.close()
