"""What a whole crawl costs beside bare extraction and beside its peers: the same pages, in turn, in one run.

    python bench/crawl.py [--worlds newsroom,real] [--only bare,veille] [--rounds 3] [--quick] [--output FILE]

Two worlds (``bench/world.py``) are served by a static server that is not measured; its log proves that every page was
asked for and sent whole. ``bare`` is ``trafilatura.extract`` with metadata over the same bodies, by one process and by
several. ``veille`` is the installed command on an empty archive, without raw copies and with them. The peers
(``bench/peers``) do what of it they do, each in an environment of its own. Rounds are interleaved; a figure is the
median of them. CPU is that of all processes of a run, imports included but for ``bare``; ``× bare`` is against the same
pages in the same round, and is what to look at: seconds depend on the machine, and on what else it does.
"""

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # what tests share

from contestants import Attempt, Bare, Contestant, Other, RunError, Veille, fresh
from gold import token_f1
from measuring import adopt, machine
from options import folder, new_file, positive, run_main
from peers import PEERS
from world import GOLD, Build, Ground, World, build_newsroom, build_real, free_ground, served

ROOT = Path(__file__).parents[1]
MB = 1e6


@dataclass(slots=True)
class Row:
    """What a contestant came to in a world, round by round."""

    name: str
    what: str
    share: float
    listed: int = 0
    delivered: list[int] = field(default_factory=list)
    texts: list[int] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Seconds a page."""
    ratio: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    """Seconds a page."""
    pss: list[int] = field(default_factory=list)
    pss_main: list[int] = field(default_factory=list)
    pss_tree: list[int] = field(default_factory=list)
    f1: dict[str, float] = field(default_factory=dict)
    """Mean by kind of gold."""
    stopped: bool = False
    """It took too long at least once: its costs are those of the pages it had until then."""
    code: int = 0
    """That of a run that did not end well, though it had asked for pages."""
    problem: str | None = None

    def add(self, attempt: Attempt, bare: Mapping[str, float]) -> None:
        """Count one more attempt; ``bare``: what each page took bare extraction in this round."""
        pages, done = attempt.pages, len(attempt.pages)
        self.listed = len(attempt.world.pages)
        self.delivered.append(done)
        self.texts.append(sum(map(bool, attempt.texts.values())))
        self.cpu.append(attempt.spent.cpu / done)
        self.ratio.append(attempt.spent.cpu / done / statistics.mean(bare[page.url] for page in pages))
        self.wall.append(attempt.spent.wall / done)
        self.pss.append(attempt.spent.pss)
        self.pss_main.append(attempt.spent.pss_main)
        self.pss_tree.append(attempt.spent.pss_tree)
        self.stopped = self.stopped or attempt.spent.code is None
        self.code = self.code or attempt.spent.code or 0

    def judge(self, attempt: Attempt) -> None:
        """Compare the texts with the known ones, where the contestant says which page each is of."""
        if not attempt.texts.keys() <= {page.url for page in attempt.world.pages}:
            return  # it tells the address that a page gives itself, and which page that was is not known
        for kind in GOLD:
            known = [page for page in attempt.pages if page.kind == kind and page.gold]
            scores = [
                token_f1(attempt.texts.get(page.url, ""), Path(page.gold or "").read_text("utf-8")) for page in known
            ]
            if scores:
                self.f1[kind] = statistics.mean(scores)


def main() -> None:
    """Measure, and print."""
    options = arguments()
    adopt()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it has started ends with it
    shared = options.shared / "pages"
    builds: dict[str, Build | None] = {
        "newsroom": partial(_newsroom, options),
        "real": partial(_real, options) if shared.is_dir() else None,
    }
    print(machine())
    if options.quick:
        print("a few pages only: most of what follows is start-up, and no measurement")
    report: dict[str, object] = {"machine": machine(), "rounds": options.rounds}
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        for world in options.worlds:
            build = builds[world]
            if build is None:
                print(f"\n{world}: left out, {shared} is not there")
                continue
            report[world] = measure(world, build, options, Path(name))
    if options.output:
        options.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    """What the command line says; ``--quick`` fills in what it does not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = ["bare", "bare-parallel", "veille", "veille-raw", "veille-again", *(peer.name for peer in PEERS)]
    parser.add_argument("--worlds", default="newsroom,real", help="which of them; %(default)s by default")
    parser.add_argument("--only", default=",".join(names), help="which of %(default)s; all by default")
    parser.add_argument("--rounds", type=positive, help="how often; 3 by default")
    parser.add_argument("--quick", action="store_true", help="one round over few pages: does it work?")
    parser.add_argument("--sites", type=positive, help="of each world; 40 by default")
    parser.add_argument("--stories", type=positive, help="of each site of the newsroom; 50 by default")
    parser.add_argument(
        "--processes", type=positive, default=len(os.sched_getaffinity(0)), help="as many as cores by default"
    )
    parser.add_argument(
        "--shared", type=Path, default=ROOT.parent / "shared" / "data", help="the folder that has pages/, the real ones"
    )
    parser.add_argument(
        "--environments", type=Path, help="where the peers' environments are; the user's cache by default"
    )
    parser.add_argument("--directory", type=folder, help="where archives and worlds go; a temporary place by default")
    parser.add_argument("--output", type=new_file, help="a file for all figures, as JSON")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if unknown := set(options.only) - set(names):
        parser.error(f"nobody is called {', '.join(sorted(unknown))}")
    options.worlds = options.worlds.split(",")
    if unknown := set(options.worlds) - {"newsroom", "real"}:
        parser.error(f"there is no world {', '.join(sorted(unknown))}")
    if options.worlds == ["real"] and not (options.shared / "pages").is_dir():
        parser.error(f"{options.shared / 'pages'} is not there: nothing is left to crawl")
    usual = {"rounds": 1, "sites": 4, "stories": 5} if options.quick else {"rounds": 3, "sites": 40, "stories": 50}
    for name, value in usual.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def contestants(options: argparse.Namespace) -> Iterator[Contestant]:
    """Those that were asked for, bare extraction always among them."""
    yield Bare("bare", "trafilatura.extract, 1 process")
    count = options.processes
    everybody = [
        Bare("bare-parallel", f"trafilatura.extract, {count} processes", processes=count),
        Veille("veille", "the whole crawl", processes=count),
        Veille("veille-raw", "the whole crawl, raw copies kept", raw=True, processes=count),
        Veille("veille-again", "a crawl that finds nothing new", again=True, processes=count),
        *(Other(peer.name, peer.what, peer.share, peer=peer, cache=options.environments) for peer in PEERS),
    ]
    yield from (one for one in everybody if one.name in options.only)


def measure(name: str, build: Build, options: argparse.Namespace, work: Path) -> dict[str, object]:
    """All rounds in one world; prints the table, and returns its figures."""
    world = build(work / name, free_ground())
    print(f"\n{name}: {len(world.pages)} pages of {world.kilobytes:.0f} kB on {len(world.feeds)} sites", flush=True)
    everybody = list(contestants(options))
    rows = {one.name: Row(one.name, one.what, one.share) for one in everybody}
    with served(world) as server:
        for round_ in range(options.rounds):
            bare: Mapping[str, float] = {}
            for one in everybody:
                row = rows[one.name]
                if row.problem:
                    continue
                server.requests()  # what was asked for before is not of this attempt
                try:
                    attempt = one.attempt(server, fresh(work / "run"))
                except RunError as error:
                    if not bare:  # nothing to compare with
                        raise
                    row.problem = str(error)
                    continue
                bare = bare or attempt.cpu_of or {}
                row.add(attempt, bare)
                if round_ == 0:
                    row.judge(attempt)
                print(f"{round_ + 1}  {one.name:16} {row.ratio[-1]:6.2f} × bare", file=sys.stderr, flush=True)
    print(table(list(rows.values())))
    return {"pages": len(world.pages), "kilobytes": world.kilobytes, "rows": [figures(row) for row in rows.values()]}


def _newsroom(options: argparse.Namespace, directory: Path, ground: Ground) -> World:
    return build_newsroom(directory, options.sites, options.stories, ground)


def _real(options: argparse.Namespace, directory: Path, ground: Ground) -> World:
    return build_real(directory, options.shared, options.sites, ground, most=12 if options.quick else None)


# -- telling -----------------------------------------------------------------------------------------------------------

COLUMNS = ("", "CPU ms", "× bare", "a CPU s", "ms", "a second", "MB, one process", "MB, all", "texts", "F1", "")


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown. CPU, wall clock: of a page; memory: the most that was seen."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" + "|---:" * (len(COLUMNS) - 2) + "|---|"]
    lines += [f"| {' | '.join(cells(row))} |" for row in rows]
    return "\n".join(lines)


def cells(row: Row) -> Iterator[str]:
    """What the table says of a contestant."""
    yield f"{row.name}: {row.what}"
    if row.problem or not row.cpu:
        yield from [""] * 9
        yield row.problem or "not run"
        return
    cpu, wall = statistics.median(row.cpu), statistics.median(row.wall)
    yield f"{1000 * cpu:.2f}"
    yield f"{statistics.median(row.ratio):.2f} ({min(row.ratio):.2f} to {max(row.ratio):.2f})"
    yield f"{1 / cpu:.1f}"
    yield f"{1000 * wall:.2f}"
    yield f"{1 / wall:.1f}"
    yield f"{max(row.pss) / MB:.0f}"
    yield f"{max(row.pss_tree) / MB:.0f}"
    yield f"{row.texts[-1]} of {row.listed}"
    yield " / ".join(f"{row.f1[kind]:.4f}" for kind in GOLD if kind in row.f1)
    yield ", ".join(notes(row))


def notes(row: Row) -> Iterator[str]:
    """What must be known to read a row."""
    if row.share < 1:
        yield f"on {row.share:.0%} of the feeds"
    if row.stopped:
        yield f"stopped after {row.delivered[-1]} pages"
    elif row.name == "veille-again":
        yield f"{statistics.median(row.cpu) * row.listed:.2f} s CPU in all, its start included"
    elif min(row.delivered) < row.listed:
        yield f"asked for {min(row.delivered)} pages only"
    if row.code:
        yield f"ended with {row.code}"


def figures(row: Row) -> dict[str, object]:
    """A row's figures, round by round; memory in bytes, times in seconds a page."""
    return {name: getattr(row, name) for name in Row.__slots__}


if __name__ == "__main__":
    run_main(main)
