"""Cuts the power of an archive being written, again and again, and looks whether what was acknowledged is there.

    python -m power [--ext4 N] [--xfs N] [--mutants N]        needs root, losetup and mkfs.xfs

Each cut is one of a chain: the next scribe starts on what the last cut left, recovers it, goes on, and may be cut while
it does. Acknowledgements are kept outside; those read before the copy begins must hold on the copy. Ends with 0 only
if nothing was lost and every mutant was caught; mounts and devices are gone when the process is, however it ends.
"""

import argparse
import os
import platform
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from faults.audit import audit
from faults.mutants import MUTANTS
from faults.nursery import Nursery
from faults.scribe import Said

from power.disks import cut, host, make_image, mounted

CHAIN = 25
"""Cuts after which a new disk begins: an archive that grew all the time would take longer to read than to cut."""
LONGEST = 0.9
"""Seconds a scribe lives at most; shorter than any file system waits before it writes by itself."""
UNSHARED = "--in-a-mount-namespace"


@dataclass
class Tally:
    """What a series of cuts came to."""

    cuts: int = 0
    acknowledged: int = 0
    sealed: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    """What had been said last when the power was cut."""
    adopted: int = 0
    torn: int = 0
    bad: int = 0
    """Cuts after which something was wrong."""
    complaints: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.cuts} cuts (after {dict(self.moments.most_common())}); {self.acknowledged} articles and "
            f"{self.sealed} sealed files acknowledged; {self.adopted} records adopted, {self.torn} tails set aside; "
            f"{self.bad} cuts with something wrong"
        )


class Cuts:
    """A series of cuts on one kind of file system."""

    def __init__(self, room: Path, nursery: Nursery, kind: str, chance: random.Random) -> None:
        self._room = room
        self._nursery = nursery
        self._kind = kind
        self._chance = chance
        self._image, self._copy, self._look = (room / name for name in ("disk.img", "cut.img", "look.img"))

    def run(self, cuts: int, *program: str) -> Tally:
        """Cut so often; the chain ends early where something was wrong, and another begins."""
        tally = Tally()
        while tally.cuts < cuts:
            make_image(self._image, self._kind)
            said, so_far = "", Said()
            for _ in range(min(CHAIN, cuts - tally.cuts)):
                said = self._live(said, *program)
                complaints = self._judge(said, tally)
                if complaints:
                    tally.complaints += complaints[:3]
                    break
                so_far = Said.parse(said)
            tally.acknowledged += len(so_far.archived)
            tally.sealed += len(so_far.sealed)
        return tally

    def _live(self, said: str, *program: str) -> str:
        """A scribe goes on where the last one was cut, until it is cut itself; returns what had been said by then."""
        out = self._room.parent / "said"  # outside the disks
        out.write_text(said)
        with mounted(self._image, self._kind, self._room / "disk") as disk:
            scribe = self._nursery.start(*program, disk / "data", out=out)
            try:
                time.sleep(self._chance.uniform(0, LONGEST))
                said = out.read_text()
                cut(self._image, self._copy)
                said = said[: said.rfind("\n") + 1]
            finally:
                scribe.kill()
        self._copy.replace(self._image)
        return said

    def _judge(self, said: str, tally: Tally) -> list[str]:
        """Recover a copy of what is left, so that the next scribe has it to recover too."""
        cut(self._image, self._look)
        with mounted(self._look, self._kind, self._room / "disk") as disk:
            found = audit(disk / "data", Said.parse(said))
        tally.cuts += 1
        tally.moments[Said.parse(said).last or "nothing"] += 1
        tally.adopted += found.recovery.adopted
        tally.torn += len(found.recovery.torn)
        tally.bad += bool(found.complaints)
        return found.complaints


def tell(line: str, *below: str) -> None:
    """Print a line, and what belongs to it."""
    sys.stdout.write("\n    ".join([line, *below]) + "\n")
    sys.stdout.flush()


def cut_all(counts: dict[str, int], mutant_cuts: int, seed: int) -> bool:
    """All series; returns whether nothing was lost and every mutant was caught."""
    good = True
    tell(f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, seed {seed}")
    with tempfile.TemporaryDirectory(prefix="power-") as folder, host(Path(folder)) as room, Nursery() as nursery:
        chance = random.Random(seed)
        for kind, count in counts.items():
            tally = Cuts(room, nursery, kind, chance).run(count, "scribe")
            tell(f"{kind}: {tally}", *tally.complaints)
            good &= not tally.bad
            if tally.acknowledged < count or (count >= CHAIN and not tally.adopted):
                tell("    too little was written between the cuts, or never cut in between, to show anything")
                good = False
        for name in MUTANTS if mutant_cuts else ():
            tally = Cuts(room, nursery, "ext4", chance).run(mutant_cuts, "mutant", name)
            verdict = "caught" if tally.bad else "NOT CAUGHT"
            tell(f"mutant, {name}: {verdict} in {tally.bad} of {tally.cuts} cuts", *tally.complaints[:1])
            good &= bool(tally.bad)
    return good


def main() -> int:
    """Parse the arguments, and cut; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m power", description=__doc__.split("\n")[0])
    parser.add_argument("--ext4", type=int, default=50, metavar="N", help="cuts on ext4 (%(default)s)")
    parser.add_argument("--xfs", type=int, default=25, metavar="N", help="cuts on xfs (%(default)s)")
    parser.add_argument("--mutants", type=int, default=20, metavar="N", help="cuts of each mutant (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="which random moments")
    parser.add_argument(UNSHARED, action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("mounting needs root")
    if missing := [tool for tool in ("mkfs.ext4", "mkfs.xfs", "losetup", "unshare") if not shutil.which(tool)]:
        parser.error(f"{', '.join(missing)} is missing; apt-get install e2fsprogs xfsprogs mount util-linux")
    if not given.in_a_mount_namespace:  # what is mounted in it goes with its last process
        again = [sys.executable, "-m", "power", *sys.argv[1:], UNSHARED]
        os.execvp("unshare", ["unshare", "--mount", *again])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda which, _: sys.exit(128 + which))
    started = time.monotonic()
    good = cut_all({"ext4": given.ext4, "xfs": given.xfs}, given.mutants, given.seed)
    tell(f"{'every promise was kept' if good else 'NOT GOOD'}, {time.monotonic() - started:.0f} s")
    return 0 if good else 1
