"""The rules of a robots.txt that apply to one crawler (RFC 9309). Pure.

Only the groups that apply are handed to the matcher: a hostile file of many groups with many rules each would otherwise
multiply into more memory than there is.
"""

import re
from collections.abc import Iterator

from protego import Protego

from service.net import urls

MAX_BYTES = 500 * 1024
"""What is read of a robots.txt; RFC 9309 §2.5 asks for at least this."""
_MAX_SIGNAL = 1000

_AGENT = re.compile(r"user[- ]?agent\s*[:\s]\s*(.*)", re.IGNORECASE)
_ANYWHERE = re.compile(r"(site-?maps?|host)\s*[:\s]", re.IGNORECASE)
"""Lines that belong to no group and end none."""
_TOKEN = re.compile(r"\*|[A-Za-z0-9_-]+", re.ASCII)
_ANYONE = "*"


class Rules:
    """What a robots.txt asks of the crawler that calls itself ``token``.

    All groups that name the token count together, whatever its case; only where none does, the groups for ``*`` count
    (RFC 9309 §2.2.1).

    Args:
        body: The file, as bytes; beyond 500 KiB it is cut after the last whole line.
        token: The product token, without version.
    """

    def __init__(self, body: bytes, token: str) -> None:
        token = token.lower()
        groups = _groups(_text(body), token)
        lines = groups.get(token, groups.get(_ANYONE, []))
        self._matcher = Protego.parse("\n".join(["User-agent: *", *lines]))
        self.crawl_delay: float | None = self._matcher.crawl_delay(_ANYONE)
        """Seconds, as written."""
        self.content_signal: str | None = ", ".join(_signals(lines))[:_MAX_SIGNAL] or None
        """The group's Content-Signal lines, joined by commas; then its Content-Usage lines, name and all."""

    def allow(self, url: str) -> bool:
        """Return whether ``url`` may be fetched: the longest matching rule decides, allow wins a tie."""
        return bool(self._matcher.can_fetch(urls.request_url(url), _ANYONE))


def _signals(lines: list[str]) -> Iterator[str]:
    for wanted, prefix in (("content-signal", ""), ("content-usage", "Content-Usage: ")):
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip().lower() == wanted and value.strip():
                yield prefix + value.strip()


def _text(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        body = body[:MAX_BYTES]
        body = body[: body.rfind(b"\n") + 1]  # half a rule could forbid, or allow, the whole site
    return body.decode("utf-8-sig", errors="replace")


def _groups(text: str, token: str) -> dict[str, list[str]]:
    """Return the lines for ``token`` and those for anyone, each under its name; a name no group has is left out."""
    groups: dict[str, list[str]] = {}
    current: list[list[str]] = []
    naming = False
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        if agent := _AGENT.match(line):
            if not naming:
                current, naming = [], True
            name = _TOKEN.match(agent[1].lower())
            if name and name[0] in (token, _ANYONE):
                lines = groups.setdefault(name[0], [])
                if not any(lines is one for one in current):
                    current.append(lines)
        elif line and not _ANYWHERE.match(line):
            naming = False
            for lines in current:
                lines.append(line)
    return groups
