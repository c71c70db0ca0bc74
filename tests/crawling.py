"""Runs the real service over a newsroom, and reads what it archived."""

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

from service import catalogues
from service.events import Event
from service.newsroom import Newsroom
from service.oneshot import Crawled, crawl
from service.settings import Settings, load


class Bench:
    """A data directory, a feeds file and settings made for loopback; ``crawl`` runs the service over them."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.data = directory / "data"
        self.feeds_file = directory / "feeds.toml"
        self.events: list[Event] = []
        self._directory = directory
        self._settings = settings

    @property
    def settings(self) -> Settings:
        defaults = {
            "data_dir": self.data,
            "feeds_file": self.feeds_file,
            "allowed_networks": ("127.0.0.0/8",),
            "host_delay": "0s",
            "timeout": "5s",
            "workers": 1,
        }
        return load(self._env_file(), **(defaults | self._settings))

    def _env_file(self) -> Path:
        path = self._directory / "none.env"
        path.touch()
        return path

    def crawl(self, room: Newsroom | None = None, *, poll_all: bool = True, force: bool = False) -> Crawled:
        """Crawl the room's feeds, or what ``feeds_file`` says already."""
        if room is not None:
            self.feeds_file.write_text(room.feeds_toml(), encoding="utf-8")
        self.events.clear()
        settings = self.settings
        feeds = catalogues.load(settings.feeds_file)
        chosen = tuple(feed for feed in feeds if feed.enabled)
        return asyncio.run(
            crawl(
                settings,
                feeds,
                chosen,
                poll_all=poll_all,
                force=force,
                listen=self.events.append,
                on_start=lambda _due: None,
            )
        )

    def records(self) -> list[dict[str, Any]]:
        """Every line of the archive, in order."""
        return [json.loads(line) for line in lines(self.data)]


def lines(data: Path) -> list[bytes]:
    """Every line of an archive's files of records, plain and sealed, in order."""
    plain = [(path.name, path.parent.name, path.read_bytes()) for path in data.glob("articles/*/*.jsonl")]
    packed = [
        (path.stem, path.parent.name, gzip.decompress(path.read_bytes())) for path in data.glob("articles/*/*.jsonl.gz")
    ]
    contents = sorted(plain + packed, key=lambda item: (item[1], item[0]))
    return [line for _, _, content in contents for line in content.splitlines()]
