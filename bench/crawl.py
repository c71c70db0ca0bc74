"""What a whole crawl costs beside bare extraction: the same pages, in turn, in one run.

    python bench/crawl.py [--sites 20] [--stories 25] [--rounds 3]

A newsroom in a process of its own serves the pages. ``bare`` is ``trafilatura.extract`` with metadata over the bodies
in memory, in one process. ``veille`` is the installed command on an empty archive: feeds, pages, extraction, duplicate
filter, fsynced lines, database. CPU counts the whole process tree but the server's; the ratio is what to look at.
"""

import argparse
import ctypes
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
BARE = """
import pickle, resource, sys
from trafilatura import extract
pages = pickle.load(open(sys.argv[1], "rb"))
before = resource.getrusage(resource.RUSAGE_SELF)
texts = [extract(p, output_format="json", with_metadata=True, include_comments=False) for p in pages]
assert all(texts), "a page gave no text"
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
"""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sites", type=int, default=20)
    parser.add_argument("--stories", type=int, default=25)
    parser.add_argument("--weight", type=int, default=90, help="about how many kB a page weighs")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    # workers whose parent has ended become ours, so that their CPU is counted
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        server = start_newsroom(options, work)
        try:
            measure(options, work, server)
        finally:
            server.terminate()
            server.wait()


def start_newsroom(options: argparse.Namespace, work: Path) -> "subprocess.Popen[str]":
    """The newsroom, once it says where it is."""
    words = ["--sites", options.sites, "--stories", options.stories, "--weight", options.weight]
    words += ["--window", options.stories, "--feeds-file", work / "feeds.toml"]
    server = subprocess.Popen(
        [sys.executable, "-m", "service.newsroom", *map(str, words)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    json.loads(server.stdout.readline())
    return server


def measure(options: argparse.Namespace, work: Path, server: "subprocess.Popen[str]") -> None:
    """Rounds of both, interleaved; medians and their ratio."""
    crawl(work, server)  # warms the server's pages, and tells which they are
    urls = [json.loads(line)["url"] for path in work.glob("data/articles/*/*.jsonl") for line in path.open("rb")]
    pages = [urllib.request.urlopen(url).read() for url in urls]
    size = statistics.mean(map(len, pages)) / 1000
    rows = [(bare(work, pages), *crawl(work, server)) for _ in range(options.rounds)]
    bare_cpu, crawl_cpu, wall = (statistics.median(column) for column in zip(*rows, strict=True))
    count = len(pages)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{count} pages of {size:.0f} kB on {options.sites} sites, median of {options.rounds} rounds")
    print(f"bare trafilatura  {1000 * bare_cpu / count:6.1f} ms CPU a page")
    print(f"veille crawl      {1000 * crawl_cpu / count:6.1f} ms CPU an article, {count / wall:.0f} articles a second")
    print(f"ratio             {crawl_cpu / bare_cpu:6.2f}")


def bare(work: Path, pages: list[bytes]) -> float:
    """CPU seconds of extraction alone."""
    import pickle

    (work / "pages").write_bytes(pickle.dumps(pages))
    done = subprocess.run([sys.executable, "-c", BARE, work / "pages"], capture_output=True, text=True, check=True)
    return float(done.stdout)


def crawl(work: Path, server: "subprocess.Popen[str]") -> tuple[float, float]:
    """CPU and wall seconds of a crawl into an empty archive; every listed story must have been archived."""
    shutil.rmtree(work / "data", ignore_errors=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("VEILLE_")}
    environment |= {"VEILLE_ALLOWED_NETWORKS": "127.0.0.0/8", "VEILLE_HOST_DELAY": "0s"}
    before, started = children_cpu(), time.monotonic()
    command = [Path(sys.executable).with_name("veille"), "--data", work / "data", "--feeds", work / "feeds.toml"]
    done = subprocess.run(
        [*command, "--json", "crawl"], capture_output=True, text=True, check=True, cwd=work, env=environment
    )
    wall = time.monotonic() - started
    reap(server)
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["archived"] == summary["new_entries"] - summary["unchanged"], summary
    return children_cpu() - before, wall


def children_cpu() -> float:
    """CPU seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def reap(server: "subprocess.Popen[str]") -> None:
    """Wait for everything the crawl left behind to end, so that its CPU is counted."""
    while any(pid != server.pid for pid in children()):
        os.waitpid(-1, os.WNOHANG)
        time.sleep(0.01)


def children() -> list[int]:
    """Process ids of our children, adopted ones included."""
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


if __name__ == "__main__":
    main()
