"""A probe of a feed in full: in plain words, and as JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from service.cli.advice import conditional_words, format_name, what_to_do
from service.cli.cures import plain
from service.feeds import moves
from service.probing import Probe, Step
from service.units import format_duration, format_size

if TYPE_CHECKING:
    from datetime import datetime

    from service.feeds.document import Document
    from storage.model import Asked, FeedState

STEERING = (
    *("content-type", "content-encoding", "content-length", "etag", "last-modified", "cache-control", "age", "expires"),
    *("date", "retry-after", "location"),
)
"""Header fields of an answer that change what is done next."""
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
"""From 0, as skipDays are kept."""


def in_words(probe: Probe, *, verbose: bool) -> list[str]:
    """Everything, a line each; with ``verbose`` every header field of every answer."""
    lines = [f"feed: {probe.feed.url}"]
    for number, step in enumerate(probe.steps, 1):
        lines += _step(step, number, STEERING if not verbose else None)
    if probe.response is not None:
        size = f"{format_size(probe.response.content.size)} ({format_size(probe.response.wire_bytes)} on the wire)"
        lines.append(f"answer: {probe.response.status}, {size}, in {probe.response.seconds:.2f}s")
    if probe.document is not None:
        lines += _document(probe.document)
    if probe.state is not None:
        lines.append(f"validators: {_validators(probe)}")
    if verbose:
        for number, step in enumerate(probe.again, 1):
            lines += _step(step, number, None, again=True)
    elif probe.again and (exchange := probe.again[-1].exchange) is not None:
        sent = [name.decode("latin-1") for name, _ in exchange.sent if name.lower().startswith(b"if-")]
        lines.append(f"asked again: with {' and '.join(sent) or 'no validators'}: {exchange.status or 'no answer'}")
    if probe.state is not None:
        lines.append(f"conditional requests: {conditional_words(probe)}")
        lines += _schedule(probe)
    lines.append(f"failed ({probe.stage}): {probe.error}" if probe.error else "works")
    if (advice := what_to_do(probe)) is not None:
        lines.append(f"what to do: {advice}")
    return [plain(line) for line in lines]


def as_json(probe: Probe) -> dict[str, Any]:
    """All of it; every key is always there, null where the probe did not get so far. Bytes are given as Latin-1."""
    response, document, state = probe.response, probe.document, probe.state
    return {
        "feed": probe.feed.name or None,
        "url": probe.feed.url,
        "hops": [_step_as_json(step) for step in probe.steps],
        "final_url": response.url if response else None,
        "status": response.status if response else None,
        "content_type": response.content_type if response else None,
        "bytes": response.content.size if response else None,
        "wire_bytes": response.wire_bytes if response else None,
        "seconds": round(response.seconds, 3) if response else None,
        "etag": _text(response.validators.etag) if response else None,
        "last_modified": _text(response.validators.last_modified) if response else None,
        "validators_kept": bool(state.validators) if state else None,
        "conditional": probe.conditional,
        "conditional_reason": probe.reason,
        "conditional_hops": [_step_as_json(step) for step in probe.again],
        "format": format_name(document.version) if document else None,
        "malformed": document.malformed if document else None,
        "title": document.title if document else None,
        "language": document.language if document else None,
        **(_of_entries(document) if document else dict.fromkeys(_FACTS)),
        "asked": _asked_as_json(state.asked) if state else None,
        "moved_to": state.moved_to if state else None,
        "next_due": state.next_due if state else None,
        "due_reason": state.due_reason if state else None,
        "stage": probe.stage,
        "error": str(probe.error) if probe.error else None,
        "what_to_do": what_to_do(probe),
    }


def _step_as_json(step: Step) -> dict[str, Any]:
    exchange = step.exchange
    return {
        "url": step.url,
        "robots": asdict(step.robots) if step.robots else None,
        "sent": [[_text(name), _text(value)] for name, value in exchange.sent] if exchange else None,
        "address": exchange.address if exchange else None,
        "opened_by": step.opened_by,
        "status": exchange.status if exchange else None,
        "received": [[_text(name), _text(value)] for name, value in exchange.headers] if exchange else None,
    }


def _asked_as_json(asked: "Asked") -> dict[str, Any]:
    return {
        "lifetime": asked.lifetime.total_seconds() if asked.lifetime is not None else None,
        "ttl": asked.ttl.total_seconds() if asked.ttl is not None else None,
        "skip_hours": asked.skip_hours,
        "skip_days": asked.skip_days,
    }


def _text(value: bytes | None) -> str | None:
    return value.decode("latin-1") if value is not None else None


# -- its parts ---------------------------------------------------------------------------------------------------------


def _step(step: Step, number: int, shown: Iterable[str] | None, *, again: bool = False) -> Iterator[str]:
    if again or number > 1:
        yield f"{'asked again' if again else 'redirected'}: {step.url}"
    yield f"  robots.txt: {_robots(step)}"
    exchange = step.exchange
    if exchange is None:
        return
    if exchange.address is not None:
        why = f"opened by VEILLE_ALLOWED_NETWORKS ({step.opened_by})" if step.opened_by else "public, a web port"
        yield f"  connected to: {exchange.address}, {why}"
    parts = urlsplit(exchange.url)
    yield f"  > GET {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1"
    for name, value in exchange.sent:
        yield f"  > {name.decode('latin-1')}: {value.decode('latin-1')}"
    yield f"  < {exchange.status or 'no answer'}"
    for name, value in exchange.headers:
        if shown is None or name.decode("latin-1") in shown:
            yield f"  < {name.decode('latin-1')}: {value.decode('latin-1')}"


def _robots(step: Step) -> str:
    said = step.robots
    if said is None:
        return "not known"
    if said.status is None:
        return said.reason.removeprefix("robots.txt ")
    file = f"a file of {format_size(said.bytes)}" if said.status < 300 else f"it answers {said.status}"
    words = f"{said.reason.removeprefix('robots.txt ').removesuffix(' by robots.txt')} ({file})"
    if not said.allowed:
        words += "; obey_robots = false would override it" if said.obeyed else ", which obey_robots = false overrides"
    if said.crawl_delay is not None:
        words += f"; crawl delay {said.crawl_delay:g}s"
    if said.content_signal is not None:
        words += f"; content signal {said.content_signal}"
    return words


def _document(document: "Document") -> Iterator[str]:
    yield f"format: {format_name(document.version)}{', malformed: ' + document.malformed if document.malformed else ''}"
    yield f"title: {document.title or '-'}"
    yield f"language: {document.language or '-'}"
    facts = _of_entries(document)
    newest = f", the newest of {facts['newest']:%Y-%m-%d %H:%M} UTC" if facts["newest"] else ""
    lacking = [
        f"{facts[key]} without {what}"
        for key, what in (("without_guid", "guid"), ("without_date", "date"), ("without_page", "a page of their own"))
        if facts[key]
    ]
    lacking += [f"{document.dropped} beyond the limit left out"] if document.dropped else []
    yield f"entries: {', '.join((str(facts['entries']) + newest, *lacking))}"
    if document.entries:
        carried = (("with_content", "content"), ("with_summary", "a summary only"), ("with_neither", "neither"))
        yield f"text they carry: {', '.join(f'{facts[key]} {what}' for key, what in carried if facts[key])}"


_FACTS = (
    *("entries", "dropped", "without_guid", "without_date", "without_page"),
    *("with_content", "with_summary", "with_neither", "newest"),
)


def _of_entries(document: "Document") -> dict[str, Any]:
    entries = document.entries
    times = [entry.published or entry.modified for entry in entries]
    return {
        "entries": len(entries),
        "dropped": document.dropped,
        "without_guid": sum(entry.guid is None for entry in entries),
        "without_date": sum(time is None for time in times),
        "without_page": sum(entry.url is None for entry in entries),
        "with_content": sum(bool(entry.content) for entry in entries),
        "with_summary": sum(bool(entry.summary) and not entry.content for entry in entries),
        "with_neither": sum(not entry.summary and not entry.content for entry in entries),
        "newest": max((time for time in times if time), default=None),
    }


def _validators(probe: Probe) -> str:
    assert probe.response is not None
    assert probe.state is not None
    given = probe.response.validators
    named = (("ETag", given.etag), ("Last-Modified", given.last_modified))
    shown = [f"{name} {value.decode('latin-1')}" for name, value in named if value is not None]
    if not shown:
        return "none, so every poll brings the whole document"
    return ", ".join(shown) + ("; kept" if probe.state.validators else "; not kept, for the document is malformed")


def _schedule(probe: Probe) -> Iterator[str]:
    state, response = probe.state, probe.response
    assert state is not None
    assert response is not None
    fields = [f"{name}: {value}" for name in ("cache-control", "age", "expires") if (value := response.header(name))]
    lifetime = state.asked.lifetime
    fresh = "nothing is asked for" if lifetime is None else format_duration(lifetime)
    yield f"freshness: {fresh}{' (' + ', '.join(fields) + ')' if fields else ''}"
    yield f"the document asks: {wishes(state.asked) or 'nothing'}"
    if state.moved_to is not None:
        when = adopted(state)
        since = f"from {when:%Y-%m-%d} on" if when else "from now on"
        yield f"moved for good: to {state.moved_to}; asked there {since}"
    wait = state.due_reason.replace(" after the last poll", " after a first one")
    yield f"next poll: {wait} (jitter may add a tenth)"


def adopted(state: "FeedState") -> "datetime | None":
    """When the address it has moved to for good is asked in place of the catalogue's; None: from now on."""
    assert state.moved_since is not None
    at_once = moves.poll_url(state) == state.moved_to
    return None if at_once else state.moved_since + moves.ADOPT_AFTER


def wishes(asked: "Asked") -> str:
    """What a document asks of those who poll it."""
    parts = []
    if asked.ttl is not None:
        parts.append(f"once in {format_duration(asked.ttl)} (ttl)")
    if asked.skip_hours:
        parts.append(f"not in the GMT hours {', '.join(map(str, asked.skip_hours))}")
    if asked.skip_days:
        parts.append(f"not on {', '.join(DAYS[day] for day in asked.skip_days)}")
    return "; ".join(parts)
