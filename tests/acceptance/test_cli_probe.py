"""``veille feeds test``, as the installed command, over a newsroom that behaves and misbehaves."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command import messages, veille

from service.newsroom import Answer, Head, HtmlInsteadOfFeed, Newsroom, Redirect, Request, Slow, Status

SUNDAY = 6
XML = "application/rss+xml"
RSS = """\
<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel><title>Le fil</title><link>/</link><language>fr</language><ttl>120</ttl>
<skipHours><hour>1</hour><hour>2</hour></skipHours><skipDays><day>Sunday</day></skipDays>
<item><title>Un</title><link>/un.html</link><guid>1</guid><pubDate>Mon, 23 Nov 2026 10:00:00 GMT</pubDate>
<description>court</description><content:encoded>tout</content:encoded></item>
<item><title>Deux</title><guid isPermaLink="false">2</guid><pubDate>Mon, 23 Nov 2026 12:30:00 GMT</pubDate>
<description>court</description></item>
<item><title>Trois</title><link>/trois.html</link></item>
</channel></rss>"""


def never_304(head: Head) -> Answer:
    return Answer(200, (("Content-Type", XML), ("ETag", '"1"')), RSS.encode())


def no_conditional(head: Head) -> Answer:
    if "if-none-match" in head.headers:
        return Answer(500, (("Content-Type", "text/plain"),), b"no")
    return Answer(200, (("Content-Type", XML), ("ETag", '"1"')), RSS.encode())


def too_many(head: Head) -> Answer:
    if "if-none-match" in head.headers:
        return Answer(429, (("Content-Type", "text/plain"), ("Retry-After", "60")), b"enough")
    return Answer(200, (("Content-Type", XML), ("ETag", '"1"')), RSS.encode())


@dataclass
class Fresh:
    """A document that is another one each time."""

    count: Iterator[int] = field(default_factory=itertools.count)

    def __call__(self, _: Head) -> Answer:
        number = next(self.count)
        return Answer(200, (("Content-Type", XML), ("ETag", f'"{number}"')), f"{RSS}<!-- {number} -->".encode())


@dataclass(frozen=True)
class Told:
    """What the command said of each address, for machines and for people, and what it asked for."""

    base: str
    code: int
    reports: dict[str, dict[str, Any]]
    texts: dict[str, list[str]]
    requests: list[Request]

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    directory = tmp_path_factory.mktemp("probe")
    with Newsroom(sites=4, stories=2) as room:
        base = room.sites[0].base_url
        room.robots(
            "User-agent: *\nDisallow: /private\nCrawl-delay: 0.01\nContent-Signal: ai-train=no\n", room.sites[0]
        )
        room.fault(f"{room.sites[1].base_url}/robots.txt", Status(404))
        room.fault(f"{room.sites[2].base_url}/robots.txt", Status(503))
        enough = room.serve("/enough", too_many, site=room.sites[3])  # a 429 is for its whole host
        asked = {
            "/good": {"Cache-Control": "max-age=900", "ETag": '"caf\xe9"', "X-Other": "yes"},
            "/plain": {},
            "/private/rss": {},
        }
        for path, headers in asked.items():
            room.serve(path, RSS, XML, headers, validators=path != "/plain")
        room.serve("/malformed", RSS.replace("</channel></rss>", "<broken"), XML)
        room.serve("/empty", '<rss version="2.0"><channel><title>x</title></channel></rss>', XML)
        room.serve("/never-304", never_304)
        room.serve("/no-conditional", no_conditional)
        room.serve("/fresh", Fresh())
        room.serve("/brotli", "x", XML, {"Content-Encoding": "br"})
        room.serve("/large", RSS.replace("court", "long " * 50_000), XML, {"Content-Encoding": "identity"})
        room.serve("/terminal", RSS.replace("Le fil", "a &#x9b;31m b"), XML, {"ETag": '"\x9b31m"'})
        room.serve("/elsewhere", RSS, XML, site=room.sites[1])
        for path, to in {
            "/moved": f"{room.sites[1].base_url}/elsewhere",
            "/chain": "/moved",
            "/to-private": "/private/rss",
            "/to-inside": "http://10.0.0.1/rss",
            "/loop": "/loop",
        }.items():
            room.fault(base + path, Redirect(to, permanent=path == "/moved"))
        room.fault(base + "/page", HtmlInsteadOfFeed())
        for code in (403, 404, 503):
            room.fault(f"{base}/{code}", Status(code))
        paths = ["/good", "/plain", "/private/rss", "/malformed", "/empty", "/never-304", "/no-conditional", "/fresh"]
        paths += ["/terminal", "/moved", "/chain", "/to-private", "/to-inside", "/page", "/403", "/404", "/503"]
        paths += ["/brotli", "/large", "/loop"]
        urls = [base + path for path in paths]
        urls += ["http://10.0.0.1:8080/rss", "http://127.0.0.1:1/rss", room.sites[2].feed_url, enough]
        done = veille(directory, "feeds", "test", "--json", *urls, max_bytes="100kB")
        assert messages(done) == []
        requests = room.requests
        reports = [json.loads(line) for line in done.stdout.splitlines()]
        shown = veille(directory, "feeds", "test", *urls, max_bytes="100kB")
        texts = [block.splitlines() for block in shown.stdout.split("\n\n")]
        assert done.returncode == shown.returncode
        assert list(directory.iterdir()) == []  # nothing is kept
        keys = [*(url.removeprefix(base) for url in urls[:-2]), "no robots.txt", "enough"]
        yield Told(
            base,
            done.returncode,
            dict(zip(keys, reports, strict=True)),
            dict(zip(keys, texts, strict=True)),
            requests,
        )


def test_some_of_them_fail(tested: Told) -> None:
    assert tested.code == 3


def test_a_good_feed_is_told_from_request_to_next_poll(tested: Told) -> None:
    lines = tested.texts["/good"]
    head, tail = lines.index("  > GET /good HTTP/1.1"), lines.index("format: RSS 2.0")
    assert lines[0] == f"feed: {tested.base}/good"
    assert lines[1].startswith("  robots.txt: allowed (a file of ")
    assert lines[1].endswith("; crawl delay 0.01s; content signal ai-train=no")
    assert lines[2].startswith("  connected to: 127.77.0.1 port ")
    assert lines[2].endswith(", opened by VEILLE_ALLOWED_NETWORKS (127.0.0.0/8)")
    assert any(line.startswith("  > User-Agent: veille/") for line in lines[head:tail])
    assert {"  < 200", f"  < content-type: {XML}", '  < etag: "café-gzip"', "  < cache-control: max-age=900"} <= set(
        lines
    )
    assert not any(line.startswith("  < x-other") for line in lines)
    assert lines[tail:] == [
        "format: RSS 2.0",
        "title: Le fil",
        "language: fr",
        "entries: 3, the newest of 2026-11-23 12:30 UTC, 1 without guid, 1 without date, 1 without a page of their own",
        "text they carry: 1 content, 1 a summary only, 1 neither",
        'validators: ETag "café-gzip"; kept',
        "asked again: with If-None-Match: 304",
        "conditional requests: work (304)",
        "freshness: 15m (cache-control: max-age=900)",
        "the document asks: once in 2h (ttl); not in the GMT hours 1, 2; not on Sunday",
        lines[-2],
        "works",
    ]
    moments = [datetime.now(UTC) + timedelta(hours=2, minutes=minutes) for minutes in (-2, 0, 14)]
    if not any(moment.hour in {1, 2} or moment.weekday() == SUNDAY for moment in moments):
        assert lines[-2].startswith("next poll: 2h after a first one: ")
    else:  # the document wants to be left alone then
        assert " after a first one: the document asks for " in lines[-2]


def test_a_good_feed_is_told_for_machines(tested: Told) -> None:
    report = tested.reports["/good"]
    [hop] = report["hops"]
    assert hop["robots"]["allowed"]
    assert hop["robots"]["content_signal"] == "ai-train=no"
    assert ["x-other", "yes"] in hop["received"]
    assert report["etag"] == '"caf\xe9-gzip"'  # its bytes, as Latin-1
    [again] = report["conditional_hops"]
    assert ["If-None-Match", '"caf\xe9-gzip"'] in again["sent"]
    assert (report["conditional"], again["status"], report["validators_kept"]) == ("work", 304, True)
    assert report["asked"] == {"lifetime": 900.0, "ttl": 7200.0, "skip_hours": [1, 2], "skip_days": [6]}
    assert (report["stage"], report["error"], report["what_to_do"]) == (None, None, None)


def test_every_report_has_the_same_keys(tested: Told) -> None:
    assert len({tuple(report) for report in tested.reports.values()}) == 1


def test_it_asks_twice_and_no_more(tested: Told) -> None:
    assert [request.status for request in tested.asked("/good")] == [200, 304]
    assert len(tested.asked("/plain")) == 1  # there is nothing to ask again with
    assert len(tested.asked("/malformed")) == 1


def test_each_hop_of_a_redirect_is_told(tested: Told) -> None:
    hops = tested.reports["/chain"]["hops"]
    assert [hop["status"] for hop in hops] == [302, 301, 200]
    assert [hop["robots"]["status"] for hop in hops] == [200, 200, 404]
    assert [hop["robots"]["reason"] for hop in hops][-1] == "no robots.txt"
    assert tested.reports["/chain"]["final_url"] == hops[-1]["url"]
    lines = tested.texts["/chain"]
    assert [line for line in lines if line.startswith("redirected: ")] == [
        f"redirected: {hop['url']}" for hop in hops[1:]
    ]
    assert "  robots.txt: no robots.txt (it answers 404)" in lines
    assert tested.reports["/chain"]["moved_to"] is None  # one hop of it is not for good


def test_validators_are_sent_to_the_last_hop_alone(tested: Told) -> None:
    sent = [{name for name, _ in hop["sent"]} for hop in tested.reports["/chain"]["conditional_hops"]]
    assert ["If-None-Match" in names for names in sent] == [False, False, True]
    assert tested.reports["/chain"]["conditional"] == "work"


def test_a_move_for_good_says_from_when_on_it_counts(tested: Told) -> None:
    [line] = [line for line in tested.texts["/moved"] if line.startswith("moved for good: ")]
    assert f"to {tested.reports['/moved']['final_url']}; asked there from 20" in line


@pytest.mark.parametrize(
    ("path", "stage", "error", "advice"),
    [
        ("/private/rss", "robots.txt", "forbidden by robots.txt", "obey_robots = false"),
        ("/to-private", "robots.txt", "forbidden by robots.txt", "obey_robots = false"),
        ("/to-inside", "address", "address refused: 10.0.0.1 port 80", "it is the site that leads there"),
        ("http://10.0.0.1:8080/rss", "address", "address refused", "10.0.0.1:8080 among VEILLE_ALLOWED_NETWORKS "),
        ("http://127.0.0.1:1/rss", "connection", "connection refused", "no server listens there"),
        ("/page", "document", "this is an HTML page", "veille feeds discover http"),
        ("/403", "answer", "answers 403", "VEILLE_CONTACT"),
        ("/404", "answer", "answers 404", "veille feeds discover http"),
        ("/503", "answer", "answers 503", "try again later"),
        ("/brotli", "body", "an encoding not asked for: br", "only gzip is asked for"),
        ("/large", "body", "larger than 100kB on the wire", "VEILLE_MAX_BYTES"),
        ("no robots.txt", "robots.txt", "robots.txt cannot be had: status 503", "until robots.txt answers"),
        ("/no-conditional", "conditional request", "answers 500", "If-None-Match"),
    ],
)
def test_a_failure_says_at_which_stage_and_what_to_do(
    tested: Told, path: str, stage: str, error: str, advice: str
) -> None:
    report, lines = tested.reports[path], tested.texts[path]
    assert report["stage"] == stage
    assert error in report["error"]
    assert advice in report["what_to_do"]
    assert lines[-2:] == [f"failed ({stage}): {report['error']}", f"what to do: {report['what_to_do']}"]


def test_a_redirect_without_end_is_told_hop_by_hop(tested: Told) -> None:
    report = tested.reports["/loop"]
    assert [hop["status"] for hop in report["hops"]] == [302] * 6
    assert tested.texts["/loop"][-1] == "failed (redirect): more than 5 redirects"


def test_what_robots_txt_forbids_is_not_asked_for(tested: Told) -> None:
    assert tested.asked("/private/rss") == []
    hops = tested.reports["/to-private"]["hops"]
    assert [(hop["status"], hop["robots"]["allowed"]) for hop in hops] == [(302, True), (None, False)]
    assert any("forbidden" in line and "would override" in line for line in tested.texts["/to-private"])


@pytest.mark.parametrize(
    ("path", "verdict", "reason"),
    [
        ("/never-304", "do not work", "the whole document came again"),
        ("/plain", "not tried", "the server gives no validators"),
        ("/malformed", "not tried", "of a malformed document none are kept"),
        ("/fresh", "undecided", "another document came"),
        ("enough", "undecided", "two requests in a row are too many for this host: answers 429"),
    ],
)
def test_conditional_requests_that_do_not_work_say_so_in_a_feed_that_does(
    tested: Told, path: str, verdict: str, reason: str
) -> None:
    report = tested.reports[path]
    assert (report["error"], report["conditional"]) == (None, verdict)
    assert report["conditional_reason"].startswith(reason)
    assert f"conditional requests: {verdict}: {report['conditional_reason']}" in tested.texts[path]


def test_a_malformed_feed_says_where_and_keeps_no_validators(tested: Told) -> None:
    report = tested.reports["/malformed"]
    assert report["malformed"].startswith("line ")
    assert (report["entries"], report["validators_kept"], report["etag"] is None) == (3, False, False)


def test_a_feed_without_entries_works(tested: Told) -> None:
    assert "entries: 0" in tested.texts["/empty"]
    assert tested.texts["/empty"][-1] == "works"


def test_what_a_site_says_cannot_move_the_cursor(tested: Told) -> None:
    assert 'validators: ETag "\\x9b31m-gzip"; kept' in tested.texts["/terminal"]
    assert all(line.isprintable() for line in tested.texts["/terminal"])


@pytest.mark.slow
def test_a_time_out_says_at_which_stage(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=1) as room:
        url = room.sites[0].feed_url
        room.fault(url, Slow(30))
        done = veille(tmp_path, "feeds", "test", url, timeout="2s")
    assert done.returncode == 4
    assert done.stdout.splitlines()[-3:] == [
        "  < no answer",
        "failed (connection): timed out after 2 s",
        "what to do: try again later; VEILLE_TIMEOUT is the time for all of it",
    ]


def test_every_request_waits_its_turn_and_verbose_shows_every_header_field(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=1) as room:
        done = veille(tmp_path, "feeds", "test", "-v", room.sites[0].feed_url, host_delay="700ms")
        requests = room.requests
    assert [(request.kind, request.status) for request in requests] == [("robots", 200), ("feed", 200), ("feed", 304)]
    pauses = [(late.time - early.time).total_seconds() for early, late in itertools.pairwise(requests)]
    assert all(pause >= 0.69 for pause in pauses)
    assert "  < vary: Accept-Encoding" in done.stdout.splitlines()
    assert any(line.startswith("  > If-None-Match: ") for line in done.stdout.splitlines())


def test_a_feed_by_name_may_pass_robots_txt_where_its_table_says_so(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=1) as room:
        room.robots("User-agent: *\nDisallow: /\n")
        feed = f'[[feed]]\nname = "mine"\nurl = "{room.sites[0].feed_url}"\nobey_robots = false\ninterval = "3h"\n'
        (tmp_path / "feeds.toml").write_text(feed)
        done = veille(tmp_path, "feeds", "test", "mine")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert any(line.endswith(", which obey_robots = false overrides") for line in lines)
    assert any(line.startswith("next poll: 3h after a first one: the feed's fixed interval") for line in lines)


@pytest.mark.slow
def test_a_host_that_asked_for_silence_is_left_to_it(tmp_path: Path) -> None:
    with Newsroom(sites=1, stories=1) as room:
        (tmp_path / "feeds.toml").write_text(room.feeds_toml())
        room.fault(room.sites[0].feed_url, Status(429, retry_after=3600))
        assert veille(tmp_path, "crawl").returncode == 4
        room.heal()
        room.clear_log()
        feed = room.feeds[0]
        done = veille(tmp_path, "feeds", "test", feed.name)
        assert room.requests == []
        shown = json.loads(veille(tmp_path, "feeds", "show", feed.name, "--json").stdout)
    assert done.returncode == 4
    assert "failed (silence): 127.77.0.1" in done.stdout
    assert shown["held_until"] > shown["last_polled"]


@pytest.mark.slow
def test_show_says_what_the_next_poll_depends_on(tmp_path: Path) -> None:
    with Newsroom(sites=2, stories=1) as room:
        room.serve("/rss", RSS, XML, {"Cache-Control": "max-age=900"}, site=room.sites[1])
        room.fault(f"{room.sites[0].base_url}/rss", Redirect(f"{room.sites[1].base_url}/rss", permanent=True))
        (tmp_path / "feeds.toml").write_text(f'[[feed]]\nname = "mine"\nurl = "{room.sites[0].base_url}/rss"\n')
        assert veille(tmp_path, "crawl").returncode == 0
        later = RSS.replace("html", "htm").replace('"false">2', '"false">4').replace("<guid>1<", "<guid>5<")
        room.serve("/rss", later.replace("Trois", "Quatre"), XML, site=room.sites[1])
        assert veille(tmp_path, "crawl", "--all").returncode == 0
        facts = json.loads(veille(tmp_path, "feeds", "show", "mine", "--json").stdout)
        lines = veille(tmp_path, "feeds", "show", "mine").stdout.splitlines()
    assert facts["moved_to"] == facts["effective_url"] != facts["url"]
    assert facts["moved_adopted"] > facts["moved_since"]
    assert (facts["ttl_asked"], facts["skip_hours"], facts["skip_days"]) == ("2h", [1, 2], ["Sunday"])
    assert facts["etag"] is not None
    [gap] = facts["gaps"]
    assert gap["from"] < gap["to"]
    assert "skip days: Sunday" in lines
    assert any(line.startswith("gaps: 20") and gap["reason"] in line for line in lines)
