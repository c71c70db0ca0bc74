"""What to make of a probe: how the feed is, and what a person can do about it."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

from service.errors import BlockedError, FetchError
from service.logs import printable
from service.probing import Conditional, Probe, Stage
from service.units import format_duration
from storage.model import FeedState

_LONGEST = 500
"""Characters of a line; what is beyond comes from a site that has nothing to tell a person."""
_REFUSED = re.compile(r"(\S+) port (\d+)$")


def in_one_line(probe: Probe) -> str:
    """How it went and what to do, for a list of feeds."""
    return plain("; ".join(filter(None, (how_it_went(probe), what_to_do(probe) if probe.error else None))))


def how_it_went(probe: Probe) -> str:
    """How it went, in a line."""
    if probe.error is not None:
        return plain(f"{probe.stage}: {probe.error}")
    document = probe.document
    assert document is not None
    parts = warnings(probe) or [f"{format_name(document.version)}, {count(len(document.entries), 'entry', 'entries')}"]
    if probe.conditional is not Conditional.DO_NOT_WORK:
        parts.append(f"conditional requests {conditional_words(probe)}")
    return plain("; ".join(parts))


def warnings(probe: Probe) -> list[str]:
    """What is not as good as it could be with a feed that works."""
    found = []
    if probe.conditional is Conditional.DO_NOT_WORK:
        found.append(f"conditional requests do not work: {probe.reason}")
    document, state = probe.document, probe.state
    if document is not None and document.malformed is not None:
        found.append(f"the document is malformed ({document.malformed})")
    if document is not None and not document.entries:
        found.append("the document lists no entries")
    if document is not None and document.dropped:
        found.append(f"{document.dropped} entries are beyond the limit for one document")
    if state is not None and state.moved_to is not None:
        found.append(f"it has moved for good to {state.moved_to}: give the feed that address")
    return found


def what_to_do(probe: Probe) -> str | None:
    """What a person can do about a feed that fails, where that is known."""
    error, url = probe.error, probe.feed.url
    match probe.stage:
        case Stage.ADDRESS if (refused := _REFUSED.search(str(error))) is not None:
            if len(probe.steps) > 1 or str(error).startswith("robots.txt"):
                return "it is the site that leads there, and its publisher's to put right; nothing was connected to"
            host = f"[{refused[1]}]" if ":" in refused[1] else refused[1]
            return (
                "only public addresses on ports 80 and 443 are connected to; if it is a server of yours, "
                f"{host}:{refused[2]} among VEILLE_ALLOWED_NETWORKS opens it"
            )
        case Stage.ROBOTS if isinstance(error, BlockedError):
            return "obey_robots = false in the feed's table asks all the same, where its publisher has agreed to that"
        case Stage.ROBOTS if isinstance(error, FetchError) and error.status == 429:
            return _wait(error.retry_after)
        case Stage.ROBOTS:
            return "until robots.txt answers, nothing is known of what it forbids: it is asked for again at each poll"
        case Stage.SILENCE:
            return "wait: the host gets no request before that time, from no command"
        case Stage.CONNECTION:
            return _about_connection(str(error))
        case Stage.REDIRECT if "https to http" in str(error):
            return "where the plain http address is good enough, give the feed that one"
        case Stage.ANSWER if probe.response is not None:
            return _about_status(probe.response.status, url, probe.response.retry_after)
        case Stage.AGAIN:
            return "every poll but the first would fail so: the server does not bear If-None-Match, If-Modified-Since"
        case Stage.BODY if "larger than" in str(error):
            return "VEILLE_MAX_BYTES is the limit"
        case Stage.BODY if "not asked for" in str(error):
            return "only gzip is asked for; it is the site's to put right"
        case Stage.DOCUMENT if "HTML" in str(error):
            return f"it is a web page; veille feeds discover {url} finds the feeds it points to"
    return None


def about_failure(state: FeedState) -> str | None:
    """What a person can do about a feed whose polls fail; None where nothing is known but to wait."""
    error, status, url = state.last_error or "", state.last_status, state.url
    test = f"veille feeds test {state.name} shows each step"
    if error.startswith("address refused"):
        return f"only public addresses on ports 80 and 443, and VEILLE_ALLOWED_NETWORKS, are connected to; {test}"
    if "https to http" in error:
        return "where the plain http address is good enough, give the feed that one"
    if "larger than" in error:
        return "VEILLE_MAX_BYTES is the limit"
    if "HTML page" in error:
        return f"veille feeds discover {_home(url)} finds the site's feeds"
    if status is None:
        return None if "timed out" in error else _about_connection(error)
    if error.startswith("answers") and status in {401, 403, 404, 410}:
        return _about_status(status, url, None)
    return test if status < 400 else None


def _about_connection(error: str) -> str | None:
    for part, advice in (
        ("name not found", "is the host spelled right? It has no address"),
        ("name servers", "this machine's name servers do not answer: see /etc/resolv.conf"),
        ("certificate", "only certificates of the public authorities are taken; it is the site's to put right"),
        ("timed out", "try again later; VEILLE_TIMEOUT is the time for all of it"),
        ("refused", "no server listens there: is port and address right?"),
    ):
        if part in error:
            return advice
    return None


def _wait(seconds: float | None) -> str:
    asked = f"{format_duration(timedelta(seconds=round(seconds)))}, as it asks" if seconds else "a while"
    return f"wait {asked}; veille crawl and veille run do"


def _about_status(status: int | None, url: str, retry_after: float | None) -> str | None:
    match status:
        case 401 | 403:
            return (
                "the site refuses this client: let VEILLE_CONTACT name you in the User-Agent, and ask the publisher to "
                "let it in; some refuse all that are no browsers"
            )
        case 404 | 410:
            return f"the address has changed or the feed is gone; veille feeds discover {_home(url)} finds the site's"
        case 429:
            return _wait(retry_after)
        case int() if status >= 500:
            return "the server is in trouble: try again later; veille crawl and veille run do"
    return None


def conditional_words(probe: Probe) -> str:
    """Whether a poll is answered by a 304 where nothing is new."""
    if probe.conditional is Conditional.WORK:
        return f"work ({probe.reason})"
    return f"{probe.conditional}: {probe.reason or probe.error}"


def format_name(version: str) -> str:
    """A format's name for people: ``rss20`` is RSS 2.0."""
    kind = version.rstrip("0123456789nu") if not version.startswith("json") else "json"
    digits = "".join(filter(str.isdigit, version))
    name = {"rss": "RSS", "atom": "Atom", "json": "JSON Feed", "cdf": "CDF"}.get(kind, version)
    return f"{name} {digits[0]}.{digits[1:] or 0}" if digits and name != version else name


def plain(line: str) -> str:
    """A line that may hold what a site said, so that it can be printed: escaped, and no longer than of use."""
    line = printable(line)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _home(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def count(number: int, one: str, many: str) -> str:
    """A number and its noun."""
    return f"{number} {one if number == 1 else many}"
