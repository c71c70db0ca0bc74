"""How long an HTTP answer stays fresh (RFC 9111 §4.2). Pure."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

ZERO, LONGEST = timedelta(0), timedelta(days=366)


def lifetime(cache_control: str | None, age: str | None, expires: str | None, date: str | None) -> timedelta | None:
    """How long an answer stays fresh, by its header fields: max-age − Age, else Expires − Date (RFC 9111 §4.2).

    None where neither is given or readable; zero where the answer is stale already; never more than a year, which
    RFC 2616 §14.21 took for "never expires".
    """
    if (seconds := _max_age(cache_control or "")) is not None:
        passed = int(age) if age and age.strip().isdecimal() and len(age) < 12 else 0
        return min(timedelta(seconds=max(0, min(seconds, 10**9) - passed)), LONGEST)
    if expires is None or date is None:
        return None
    try:
        return min(max(ZERO, http_date(expires) - http_date(date)), LONGEST)
    except (ValueError, TypeError, OverflowError):  # "Expires: 0" and the like mean: stale
        return ZERO


def _max_age(cache_control: str) -> int | None:
    for directive in cache_control.split(","):
        name, _, value = directive.partition("=")
        value = value.strip().strip('"')
        if name.strip().lower() == "max-age" and value.isdecimal():
            return int(value[:12])
    return None


def http_date(text: str) -> datetime:
    """Read an HTTP-date (RFC 9110 §5.6.7). Raises ValueError, TypeError or OverflowError where it is none."""
    date = parsedate_to_datetime(text)
    return date if date.tzinfo else date.replace(tzinfo=UTC)
