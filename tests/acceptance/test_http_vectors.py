"""Conditional requests as a suite of cache tests asks for them (rules 2, 4, 5, 9): real poller, real store.

The suite is written for caches that stand between a client and a server. The service is a client that keeps validators
and always revalidates when a poll is due, so each vector is read for what it demands of such a client: what it sends in
``If-None-Match`` and ``If-Modified-Since``, what a 304 changes in what it keeps, and when it may ask again. A vector's
server stands here as it is: it compares what is sent with what it said before, byte for byte.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from service.articles.workers import Workers
from service.feeds.cadence import Limits
from service.memory import StoredMemory
from service.net.addresses import AllowedNetwork
from service.net.fetch import Fetcher
from service.net.hosts import Hosts
from service.net.robots import Robots
from service.newsroom import Newsroom
from service.newsroom.log import Request
from service.newsroom.wire import Answer, Head
from service.offload import OneThread
from service.polling import Poller
from storage.database import open_database
from storage.model import Feed, FeedState, Health, Poll, Validators

pytestmark = pytest.mark.shared

SUITES = {"conditional-inm": 10, "conditional-lm": 2, "update304": 10}
"""How many vectors each suite has; ``conditional-inm`` is the one about entity tags."""

RUN = (
    "conditional-304-etag",
    "conditional-etag-strong-respond-obs-text",
    "conditional-etag-weak-respond-lowercase",
    "conditional-etag-weak-respond-backslash",
    "conditional-etag-weak-respond-omit-slash",
    "conditional-etag-vary-headers",
    "conditional-etag-strong-generate-unquoted",
    "conditional-lm-stale",
    "304-etag-update-response-Cache-Control",
    "304-etag-update-response-Content-Encoding",
    "304-etag-update-response-Content-Length",
    "304-etag-update-response-Content-Range",
    "304-etag-update-response-Content-Security-Policy",
    "304-etag-update-response-Content-Type",
    "304-etag-update-response-Expires",
    "304-etag-update-response-Public-Key-Pins",
    "304-etag-update-response-Set-Cookie2",
    "304-etag-update-response-X-XSS-Protection",
)

NOT_OURS = {
    "conditional-etag-vary-headers-mismatch": "a header named by Vary differs between two requests; "
    "ours are the same each time, which every vector that runs asserts",
    "conditional-etag-forward": "a cache passes on its client's own condition; nobody stands behind a feed reader, "
    "and without a kept validator it sends none, which every vector that runs asserts of its first request",
    "conditional-etag-forward-unquoted": "a cache mends its client's own condition while passing it on, as above",
    "conditional-lm-fresh-no-lm": "the client makes up a date for an answer that gave none; "
    "a client that only echoes has none to send, which the vectors with an entity tag alone assert",
}
"""Vectors that say nothing to a client that keeps validators, and why."""

UNMENDED = {
    "conditional-etag-strong-generate-unquoted": "asks whether quotes are added to a tag that came without; they are "
    "not: such a server compares what it gets with what it sent, and would never answer 304 again",
}
"""Vectors that ask, without demanding it, for another spelling of a validator than was received."""

UNREADABLE = "304-etag-update-response-Content-Encoding"
"""Its first answer claims a coding that does not exist, so no client could read it: see the test of its own below."""

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BODY = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>News</title><link>http://news.test/</link>
<item><title>One</title><link>http://news.test/one</link><description>Only one.</description></item></channel></rss>"""
CONDITIONS = ("if-none-match", "if-modified-since")


# -- the vector's server -----------------------------------------------------------------------------------------------


@dataclass
class Origin:
    """Answers as a vector says: 304 to a condition that holds what it said last, else 200 with the feed."""

    exchanges: list[list[tuple[str, str]]]
    """Each answer's headers."""
    said: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def __call__(self, head: Head) -> Answer:
        headers = self.exchanges[self.count]
        self.count += 1
        asked = [
            (head.headers[condition], self.said.get(validator))
            for condition, validator in zip(CONDITIONS, ("etag", "last-modified"), strict=True)
            if condition in head.headers
        ]
        holds = bool(asked) and all(sent == said for sent, said in asked)
        self.said |= {name.lower(): value for name, value in headers}
        if holds:
            return Answer(304, tuple(headers))
        # a length that is not the feed's would only break this server
        return Answer(200, tuple(pair for pair in headers if pair[0] != "Content-Length"), BODY)


def dated(headers: list[list[Any]]) -> list[tuple[str, str]]:
    """A vector's headers as strings; a number stands for a date, in seconds from now."""
    return [
        (name, formatdate(START.timestamp() + value, usegmt=True) if isinstance(value, int) else value)
        for name, value, *_ in headers
    ]


def exchanges(vector: dict[str, Any]) -> list[list[tuple[str, str]]]:
    """The headers of each answer: where the vector gives it none, those it must have, and else none at all."""
    return [
        dated(request.get("response_headers", request.get("expected_response_headers", [])))
        for request in vector["requests"]
    ]


# -- polling -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """How a vector went: for each of its requests what was sent, what the poll came to, what is kept after it."""

    vector: dict[str, Any]
    answers: list[list[tuple[str, str]]]
    sent: list[Request]
    polls: list[Poll]
    kept: list[FeedState]
    seen: int
    """Entry versions in the ledger at the end."""


class Bureau:
    """A poller over a store on disk, in a time of its own."""

    def __init__(self, room: Newsroom, folder: Path) -> None:
        self.room = room
        self.now = START
        self.store = open_database(f"sqlite:///{folder / 'veille.db'}")
        self.thread = OneThread("storage")
        self.workers = Workers(1)
        self.fetcher = Fetcher(
            user_agent="veille/0",
            hosts=Hosts(0),
            allowed=[AllowedNetwork.parse("127.0.0.0/8")],
            timeout=5,
        )

        def clock() -> datetime:
            return self.now

        self.poller = Poller(
            self.store,
            self.thread,
            self.fetcher,
            Robots(self.fetcher, StoredMemory(self.store, self.thread, {}, clock), "veille", clock),
            self.workers,
            limits=Limits(floor=SECOND, cap=timedelta(days=3), start=SECOND),
            jitter=lambda: 0.0,
            clock=clock,
        )

    async def tell(self, vector: dict[str, Any], answers: list[list[tuple[str, str]]]) -> Told:
        """Poll the vector's feed as often as it has requests, each time when it is due, from what the store holds."""
        name, path = vector["id"].lower(), f"/{vector['id']}"
        feed = Feed(name, self.room.serve(path, Origin(answers)))
        told = Told(vector, answers, [], [], [], 0)
        for _ in answers:
            state = self.store.feed_states().get(name)
            self.now = state.next_due if state and state.next_due else START
            told.polls.append(await self.poller.poll(feed, state))
            told.kept.append(self.store.feed_states()[name])
        told.sent.extend(request for request in self.room.requests if request.path == path)
        ledger = self.store.ledger()
        return Told(vector, answers, told.sent, told.polls, told.kept, ledger[name].seen if name in ledger else 0)

    async def close(self) -> None:
        await self.fetcher.aclose()
        await self.workers.stop()
        self.thread.close()
        self.store.close()


@pytest.fixture(scope="module")
def vectors(shared_data: Path) -> dict[str, dict[str, Any]]:
    lines = (shared_data / "suites" / "http" / "cache-tests.dev.jsonl").read_text(encoding="utf-8").splitlines()
    return {vector["id"]: vector for line in lines if (vector := json.loads(line))["suite"] in SUITES}


@pytest.fixture(scope="module")
def told(vectors: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Told]]:
    """Every vector that runs; under its name with a star the unreadable one just as it stands."""

    async def tell(room: Newsroom) -> dict[str, Told]:
        bureau = Bureau(room, tmp_path_factory.mktemp("store"))
        try:
            found = {}
            for name in RUN:
                answers = exchanges(vectors[name])
                if name == UNREADABLE:
                    found[f"{name}*"] = await bureau.tell({**vectors[name], "id": f"{name}-as-it-stands"}, answers)
                    answers[0] = [pair for pair in answers[0] if pair[0] != "Content-Encoding"]
                found[name] = await bureau.tell(vectors[name], answers)
            return found
        finally:
            await bureau.close()

    with Newsroom(sites=1, stories=0) as room:
        yield asyncio.run(tell(room))


# -- what each vector demands ------------------------------------------------------------------------------------------


def test_every_vector_of_the_suites_is_run_or_says_nothing_to_us(vectors: dict[str, dict[str, Any]]) -> None:
    assert {suite: [v["suite"] for v in vectors.values()].count(suite) for suite in SUITES} == SUITES
    assert len(RUN) == len(set(RUN)) == 18
    assert vectors.keys() == set(RUN) | NOT_OURS.keys()
    assert not set(RUN) & NOT_OURS.keys()


@pytest.mark.parametrize("name", RUN)
def test_rule_02_what_came_as_a_validator_goes_back_byte_for_byte(told: dict[str, Told], name: str) -> None:
    story = told[name]
    assert len(story.sent) == len(story.answers)
    said: dict[str, str] = {}
    for request, answer in zip(story.sent, story.answers, strict=True):
        assert [request.headers.get(condition) for condition in CONDITIONS] == [
            said.get("etag"),
            said.get("last-modified"),
        ]
        said |= {key.lower(): value for key, value in answer}


@pytest.mark.parametrize("name", RUN)
def test_rule_02_the_condition_is_the_one_the_vector_asks_for(told: dict[str, Told], name: str) -> None:
    story = told[name]
    demands = [
        (number, header.lower(), value)
        for number, request in enumerate(story.vector["requests"])
        for header, value in dated(request.get("request_headers", []) + request.get("expected_request_headers", []))
        if header.lower() in CONDITIONS
    ]
    met = all(story.sent[number].headers.get(header) == value for number, header, value in demands)
    assert met is (name not in UNMENDED)
    types = [request.get("expected_type") for request in story.vector["requests"]][1:]
    assert types == [type_ for type_ in types if type_ in ("etag_validated", "lm_validated", "cached")]
    assert [poll.status for poll in story.polls] == [200] + [304] * len(types)


@pytest.mark.parametrize("name", RUN)
def test_requests_differ_in_their_condition_alone_whatever_vary_names(told: dict[str, Told], name: str) -> None:
    plain = [
        {key: value for key, value in request.headers.items() if key not in CONDITIONS} for request in told[name].sent
    ]
    assert len(plain) > 1
    assert all(headers == plain[0] for headers in plain)
    assert plain[0].keys() == {"host", "user-agent", "accept", "accept-encoding"}, "a cookie, perhaps"


@pytest.mark.parametrize("name", RUN)
def test_rule_04_a_304_replaces_the_validators_it_carries_and_leaves_all_else(told: dict[str, Told], name: str) -> None:
    story = told[name]
    said: dict[str, str] = {}
    for answer, poll, state in zip(story.answers, story.polls, story.kept, strict=True):
        said |= {key.lower(): value for key, value in answer}
        validators = (said.get(key) for key in ("etag", "last-modified"))
        assert state.validators == Validators(*(value and value.encode("latin-1") for value in validators))
        assert state.body_hash == story.kept[0].body_hash is not None
        assert (state.health, state.last_error, state.title, poll.error) == (Health.OK, None, "News", None)
        assert (len(poll.entries), poll.gap) == (1 if poll is story.polls[0] else 0, None)
    assert story.seen == 1


@pytest.mark.parametrize("name", RUN)
def test_rule_09_an_answer_is_fresh_for_as_long_as_the_newest_that_says_so_says(
    told: dict[str, Told], name: str
) -> None:
    story = told[name]
    said: dict[str, str] = {}
    for answer, poll, state in zip(story.answers, story.polls, story.kept, strict=True):
        said |= dict(answer)
        if asked := re.search(r"max-age=(\d+)", said.get("Cache-Control", "")):
            fresh = int(asked[1]) * SECOND
        else:
            fresh = parsedate_to_datetime(said["Expires"]) - parsedate_to_datetime(said["Date"])
        assert state.next_due is not None
        assert fresh <= state.next_due - poll.at <= max(fresh, 2 * SECOND)


def test_rule_05_nothing_is_kept_of_an_answer_that_cannot_be_read(told: dict[str, Told]) -> None:
    story = told[f"{UNREADABLE}*"]
    assert [request.headers.keys() & set(CONDITIONS) for request in story.sent] == [set()] * 3
    assert all("encoding not asked for" in (poll.error or "") for poll in story.polls)
    assert all((state.validators, state.body_hash) == (Validators(), None) for state in story.kept)
    assert story.seen == 0
