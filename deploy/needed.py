"""Prints the part of a lock file that a wheel needs: ``needed.py REPORT LOCK``, the report of ``pip install --report``.

The lock names what tests need too, and pip cannot choose from a lock with hashes by itself.
"""

import json
import re
import sys
from pathlib import Path


def needed(report: str, lock: str) -> str:
    """The entries of ``lock``, hashes and all, that pip would install by ``report``; the wheel itself is in no lock."""
    wanted = {_normal(item["metadata"]["name"]) for item in json.loads(report)["install"] if not item["is_direct"]}
    entries = {_normal(name): entry for entry, name in re.findall(r"^((\S+?)==(?:.*\\\n)*.*\n)", lock, re.MULTILINE)}
    missing = wanted - entries.keys()
    if missing:
        raise SystemExit(f"not in the lock: {', '.join(sorted(missing))}")
    return "".join(entries[name] for name in sorted(wanted))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower().partition("[")[0]


if __name__ == "__main__":
    sys.stdout.write(needed(*(Path(path).read_text(encoding="utf-8") for path in sys.argv[1:])))
