"""The peers: what else crawls feeds and extracts texts, each in a virtual environment of its own.

A peer is one small script beside this module. It is called with a file of feeds, an address a line, and writes an
object with ``url`` and ``text`` a line: to the file that is its second argument, each text as soon as there is one.
"""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FEEDPARSER = "feedparser==6.0.14"
TRAFILATURA = "trafilatura==2.3.1"
LXML = "lxml==6.1.3"
CLEAN = "lxml_html_clean==0.4.6"


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to do the job."""

    name: str
    script: str
    packages: tuple[str, ...]
    """As pip takes them: the one that is measured first, and what it does its work with."""
    share: float = 1.0
    """Part of the feeds that it is given: less than all where it is very slow."""

    @property
    def what(self) -> str:
        """The package that is measured, and its version."""
        return self.packages[0].replace("==", " ")


PEERS = (
    Peer("script", "plain.py", ("httpx==0.28.1", FEEDPARSER, TRAFILATURA, LXML, CLEAN)),
    Peer("scrapy", "spider.py", ("scrapy==2.19.0", TRAFILATURA, LXML, CLEAN)),
    Peer("trafilatura-cli", "trafilatura_cli.py", (TRAFILATURA, LXML, CLEAN)),
    Peer("newspaper4k", "newspaper_loop.py", ("newspaper4k==0.9.6", FEEDPARSER, LXML, CLEAN), share=0.2),
    Peer("news-please", "newsplease_loop.py", ("news-please==1.6.16", FEEDPARSER, LXML, CLEAN), share=0.1),
    Peer("fundus", "fundus_generic.py", ("fundus==0.5.7", "curl_cffi==0.15.0")),
)


def environment(peer: Peer, directory: Path | None = None) -> Path:
    """The Python of the peer's environment, which is made at the first use below ``directory``, or in the user's cache.

    Raises:
        subprocess.CalledProcessError: it cannot be made; ``stderr`` says why.
    """
    cache = directory or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "veille-bench"
    key = hashlib.blake2b("\n".join(peer.packages).encode(), digest_size=4).hexdigest()
    home = cache / f"{peer.name}-{key}-{sys.implementation.cache_tag}"
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        run([sys.executable, "-m", "venv", "--clear", str(home)])
        run([str(python), "-m", "pip", "install", "--quiet", *peer.packages])
        (home / "complete").touch()
    return python


def run(command: list[str]) -> None:
    """Run a program to its end."""
    subprocess.run(command, check=True, capture_output=True, text=True)
