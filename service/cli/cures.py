"""What a person can do about a feed that fails, as far as its error tells; and the words that such lines share."""

from datetime import timedelta
from urllib.parse import urlsplit

from service.logs import printable
from service.units import format_duration
from storage.model import FeedState

_LONGEST = 500
"""Characters of a line; what is beyond comes from a site that has nothing to tell a person."""


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
        return f"veille feeds discover {home(url)} finds the site's feeds"
    if status is None:
        return None if "timed out" in error else about_connection(error)
    if error.startswith("answers") and status in {401, 403, 404, 410}:
        return about_status(status, url, None)
    return test if status < 400 else None


def about_connection(error: str) -> str | None:
    """What helps where no connection came about."""
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


def about_status(status: int | None, url: str, retry_after: float | None) -> str | None:
    """What helps against an answer of that status."""
    match status:
        case 401 | 403:
            return (
                "the site refuses this client: let VEILLE_CONTACT name you in the User-Agent, and ask the publisher to "
                "let it in; some refuse all that are no browsers"
            )
        case 404 | 410:
            return f"the address has changed or the feed is gone; veille feeds discover {home(url)} finds the site's"
        case 429:
            return wait(retry_after)
        case int() if status >= 500:
            return "the server is in trouble: try again later; veille crawl and veille run do"
    return None


def wait(seconds: float | None) -> str:
    """That waiting is all there is to do, for so many seconds where the site says so."""
    asked = f"{format_duration(timedelta(seconds=round(seconds)))}, as it asks" if seconds else "a while"
    return f"wait {asked}; veille crawl and veille run do"


def home(url: str) -> str:
    """The front page of the site that a URL is of."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def plain(line: str) -> str:
    """A line that may hold what a site said, so that it can be printed: escaped, and no longer than of use."""
    line = printable(line)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
