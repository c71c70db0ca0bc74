"""What to make of a probe: how the feed is, and what a person can do about it."""

import re

from service.cli.cures import about_connection, about_status, plain, wait
from service.errors import BlockedError, FetchError
from service.messages import count
from service.probing import Conditional, Probe, Stage

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
            return wait(error.retry_after)
        case Stage.ROBOTS:
            return "until robots.txt answers, nothing is known of what it forbids: it is asked for again at each poll"
        case Stage.SILENCE:
            return "wait: the host gets no request before that time, from no command"
        case Stage.CONNECTION:
            return about_connection(str(error))
        case Stage.REDIRECT if "https to http" in str(error):
            return "where the plain http address is good enough, give the feed that one"
        case Stage.ANSWER if probe.response is not None:
            return about_status(probe.response.status, url, probe.response.retry_after)
        case Stage.AGAIN:
            return "every poll but the first would fail so: the server does not bear If-None-Match, If-Modified-Since"
        case Stage.BODY if "larger than" in str(error):
            return "VEILLE_MAX_BYTES is the limit"
        case Stage.BODY if "not asked for" in str(error):
            return "only gzip is asked for; it is the site's to put right"
        case Stage.DOCUMENT if "HTML" in str(error):
            return f"it is a web page; veille feeds discover {url} finds the feeds it points to"
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
