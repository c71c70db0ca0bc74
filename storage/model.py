"""The values the whole program speaks in: frozen, typed, standard library only.

Times are aware ``datetime`` in UTC throughout. Positions count from 0. Article ids, text hashes and paragraph hashes
are 32 lower-case hex digits (blake2b-128).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

RECORD_SCHEMA = "veille.article/1"
"""Format version of a record; changes only when a reader would have to change."""


class Scope(StrEnum):
    """How far the duplicate filter looks for a paragraph it may remove."""

    OFF = "off"
    ARTICLE = "article"
    BOILERPLATE = "boilerplate"
    ALL = "all"


class Content(StrEnum):
    """Where an article's text is read: on its page, or in the feed itself."""

    PAGE = "page"
    FEED = "feed"


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as the catalogue describes it. ``name`` is its identity in the archive."""

    name: str
    url: str
    language: str | None = None
    """BCP 47."""
    publisher: str | None = None
    interval: timedelta | None = None
    """Fixed poll interval; None leaves it to the cadence."""
    enabled: bool = True
    dedup: Scope | None = None
    """None: the global setting."""
    content: Content = Content.PAGE
    obey_robots: bool = True
    tags: tuple[str, ...] = ()


# -- polling -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Validators:
    """What a conditional request echoes, byte for byte (RFC 9110 §13)."""

    etag: bytes | None = None
    last_modified: bytes | None = None

    def __bool__(self) -> bool:
        return self.etag is not None or self.last_modified is not None


class Health(StrEnum):
    """How a feed is doing."""

    NEW = "new"
    """Never polled."""
    OK = "ok"
    FAILING = "failing"
    GONE = "gone"
    """Answered 410 twice, a day or more apart; no longer polled."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a feed's answers ask of those who poll it. Remembered, because a 304 brings no document to read it in."""

    lifetime: timedelta | None = None
    """How long an answer stays fresh (RFC 9111)."""
    ttl: timedelta | None = None
    """The longest of the document's own ``<ttl>`` and ``sy:`` wishes."""
    skip_hours: tuple[int, ...] = ()
    """GMT hours in which not to poll, 0–23."""
    skip_days: tuple[int, ...] = ()
    """GMT days on which not to poll, Monday 0."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """What is remembered of a feed between two polls."""

    name: str
    url: str
    """The catalogue's URL this state belongs to; a feed given another URL starts afresh, its entries kept."""
    effective_url: str | None = None
    """Where the last good answer came from, after redirects; the validators belong to it."""
    validators: Validators = Validators()
    validators_broken: bool = False
    identical_bodies: int = 0
    """200s in a row with the very same body, although validators were sent."""
    body_hash: bytes | None = None
    """SHA-256 of the last body that was parsed."""
    health: Health = Health.NEW
    next_due: datetime | None = None
    """None: due at once."""
    due_reason: str = "never polled"
    """Why ``next_due`` is what it is, in words."""
    interval: timedelta = timedelta(hours=1)
    """The adaptive interval, before floors, caps and what the server asks."""
    asked: Asked = Asked()
    """What the last good answers asked for."""
    failures: float = 0.0
    """Weighted failures since the last success (hard 1, soft 0.5, temporary 0.25)."""
    last_polled: datetime | None = None
    last_success: datetime | None = None
    last_new: datetime | None = None
    """When a poll last brought an entry that was not known."""
    window_listed: datetime | None = None
    """When a document last listed entries: those are its window."""
    window_seen: datetime | None = None
    """When that window was last seen to stand: a poll that finds none of it may have missed some."""
    last_status: int | None = None
    last_error: str | None = None
    failing_since: datetime | None = None
    """First failure since the last success."""
    gone_since: datetime | None = None
    """First 410 of the current run of them."""
    moved_to: str | None = None
    """Target of a wholly permanent redirect, a candidate for adoption."""
    moved_since: datetime | None = None
    title: str | None = None
    """The feed document's own title: the site's name, for the duplicate filter."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as a feed document shows it."""

    key: str
    """Identity inside its feed (``service.feeds.identity``)."""
    article_id: str
    """Id of the article it leads to: from the URL key, or from feed and guid where there is no link of its own."""
    content_hash: str
    """Of title, link, summary and content; dates do not count. 32 hex digits."""
    guid: str | None = None
    """As written in the document, unresolved."""
    url: str | None = None
    """Absolute link of the entry's own page; None where it has none."""
    title: str | None = None
    summary: str | None = None
    """HTML or text, as the feed gives it."""
    content: str | None = None
    """Full content (``content:encoded``, ``atom:content``), HTML or text."""
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    published_raw: str | None = None
    modified: datetime | None = None
    language: str | None = None
    section: str | None = None
    tags: tuple[str, ...] = ()
    image: str | None = None
    license: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A poll that may have missed entries: nothing in its window had been seen by the poll before."""

    feed: str
    start: datetime
    """The last poll before."""
    end: datetime
    """The poll that found no overlap."""
    reason: str


class Outcome(StrEnum):
    """Where an entry version ends; all but PENDING are final."""

    PENDING = "pending"
    ARCHIVED = "archived"
    """A line in the archive: as many entries are archived as there are lines."""
    UNCHANGED = "unchanged"
    """The archive already has this text and title, from an earlier revision or another feed's sighting."""
    SKIPPED = "skipped"
    """Left out on purpose (a publisher's reservation, a media file), for the recorded reason."""
    FAILED = "failed"
    """No text could be had, for the recorded reason."""
    GONE = "gone"
    """The page answered 404 or 410 to the last, and the feed carried no text."""


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry version that a poll adds to the ledger: pending, or settled at once."""

    entry: Entry
    version: int = 1
    """Counts the content changes of one entry key, from 1."""
    outcome: Outcome = Outcome.PENDING
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll of one feed came to. The store applies it in one transaction (COMMIT 1)."""

    feed: str
    at: datetime
    state: FeedState
    """The state after the poll: validators, next due time, health."""
    status: int | None = None
    """HTTP status; None where no answer came."""
    conditional: bool = False
    bytes: int = 0
    """Body bytes on the wire."""
    listed: int = 0
    """Entries in the document; 0 where it was not parsed (304, same body, failure)."""
    dropped: int = 0
    """Entries beyond the limit for one document, reported instead of silently cut."""
    entries: tuple[NewEntry, ...] = ()
    seen: tuple[str, ...] = ()
    """Keys of entries listed again without a change: their last sighting is moved to ``at``."""
    redated: Mapping[str, datetime | None] = field(default_factory=dict)
    """New dates of entries that are otherwise as before, by key: a date is no change, but the next poll compares."""
    gap: Gap | None = None
    warnings: tuple[str, ...] = ()
    """What else its owner should hear of this poll, a line each."""
    error: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """The newest version of an entry, as the decider needs it."""

    feed: str
    key: str
    version: int
    content_hash: str
    article_id: str
    outcome: Outcome
    url: str | None = None
    dated: datetime | None = None
    """What the feed last gave as its date."""
    last_seen: datetime | None = None
    """When a document last listed it."""


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry version waiting for its article. ``siblings`` wait for the same article and end with it."""

    number: int
    """The ledger's row number: the handle for resolving it."""
    feed: str
    feed_url: str
    version: int
    entry: Entry
    first_seen: datetime
    feed_title: str | None = None
    """What the feed's document calls itself."""
    attempts: int = 0
    first_tried: datetime | None = None
    siblings: tuple["Sibling", ...] = ()


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another pending entry version that leads to the same article, perhaps by another spelling of its address."""

    number: int
    feed: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """The end of an entry version: its outcome, and why."""

    number: int
    outcome: Outcome
    reason: str | None = None
    article_id: str | None = None
    """The article it turned out to lead to, where that is not the one its link named."""


@dataclass(frozen=True, slots=True)
class Retry:
    """A pending entry version that could not be archived now and will be tried again."""

    number: int
    at: datetime
    reason: str
    was_tried: bool = True
    """False: its turn did not come; that is no attempt."""


# -- the record --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Removal:
    """A paragraph taken out of ``text``, and where the same text stands.

    ``position`` counts in the full article. ``at`` is the paragraph's position in the full text of article
    ``id``, ``revision``.
    """

    position: int
    reason: str
    """repeat | boilerplate | known."""
    id: str
    revision: int
    at: int
    hash: str
    """Exact fingerprint of the paragraph."""


@dataclass(frozen=True, slots=True)
class Near:
    """A kept paragraph that equals another one but for case, quotes, dashes and the like."""

    position: int
    id: str
    revision: int
    at: int


@dataclass(frozen=True, slots=True)
class AlsoNear:
    """Another article with much the same text."""

    id: str
    revision: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Rights:
    """What robots.txt, headers and the page say about keeping and using the article; null: nothing was said."""

    robots_allowed: bool | None = None
    noarchive: bool = False
    noai: bool = False
    tdm_reservation: bool | None = None
    content_signal: str | None = None


@dataclass(frozen=True, slots=True)
class HttpFacts:
    """The answer the text was read from; all null where the feed's own content was archived without one."""

    status: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    content_type: str | None = None
    charset: str | None = None
    bytes: int | None = None
    """Body bytes, decompressed."""


@dataclass(frozen=True, slots=True)
class RawRef:
    """Where the raw copy lies: a WARC file below the data directory, the record's offset, the payload digest."""

    file: str | None = None
    offset: int | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class ExtractorFacts:
    """What read the text out of the page; name ``feed`` where the feed's own content was taken."""

    name: str
    version: str
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """One version of one article: one line of the archive. The fields and their order are the record's."""

    id: str
    revision: int
    url: str | None
    requested_url: str | None
    canonical_url: str | None
    feed: str
    feed_url: str
    guid: str | None
    also_in: tuple[str, ...]
    title: str | None
    description: str | None
    authors: tuple[str, ...]
    publisher: str | None
    section: str | None
    tags: tuple[str, ...]
    image: str | None
    language: str | None
    language_source: str | None
    published: datetime | None
    published_source: str | None
    published_raw: str | None
    modified: datetime | None
    first_seen: datetime
    fetched: datetime
    archived: datetime
    text: str
    """Kept paragraphs, one a line."""
    text_source: str
    paragraphs: int
    """How many paragraphs the full article has."""
    removed: tuple[Removal, ...]
    near: tuple[Near, ...]
    also_near: tuple[AlsoNear, ...]
    text_hash: str
    """blake2b-128 of the full text, before removal, UTF-8."""
    normaliser: int
    accessible_for_free: bool | None
    license: str | None
    rights: Rights
    http: HttpFacts
    raw: RawRef
    extractor: ExtractorFacts
    warnings: tuple[str, ...]
    schema: str = field(default=RECORD_SCHEMA)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands: a file below the data directory, and the bytes of its line, newline included."""

    file: str
    offset: int
    length: int
    digest: bytes | None = field(default=None, compare=False)
    """blake2b-128 of the line; None where it is not known. No part of what makes two places the same."""


@dataclass(frozen=True, slots=True)
class Member:
    """A gzip member of a sealed file of records: where its first line begins, and where the member does."""

    start: int
    """In the lines, uncompressed: what ``Place.offset`` counts."""
    offset: int
    """In the compressed file."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file that is complete and never changes again, as the manifest has it."""

    file: str
    """The name places and references use: of the plain file for records, of the WARC file itself for raw copies."""
    path: str
    """The file on disk, below the data directory: ``file``, with ``.gz`` behind it where that was compressed."""
    records: int
    bytes: int
    """Of the file on disk."""
    sha256: str
    """Of the file on disk, in hex."""
    first_id: str | None
    """Of its first record: the article's id, the WARC record's id; None of an empty one."""
    last_id: str | None
    mtime_ns: int
    """When it was last changed, as the file system has it: a start looks again at a file for which this differs."""
    members: tuple[Member, ...] = ()
    """For reading a record in the middle; of records only."""


# -- what is known of texts --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a paragraph stands: article, revision, and position in its full text. It was kept there."""

    id: str
    revision: int
    at: int


@dataclass(frozen=True, slots=True)
class Recurrence:
    """In how many articles of one feed a paragraph has stood; later revisions of an article do not count."""

    feed: str
    articles: int
    days: int
    """UTC days on which those were archived."""
    last_day: int
    """The one counted last, as ``date.toordinal``."""
    head: int
    """Of the articles, those at whose head it stood,"""
    tail: int
    """and at whose tail."""


@dataclass(frozen=True, slots=True)
class Sketched:
    """An article version, and the signature of its text (``storage.sketches``)."""

    id: str
    revision: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Intake:
    """What one feed brought into the archive on one UTC day."""

    feed: str
    day: date
    articles: int
    """Article versions: as many as records."""
    paragraphs: int
    """Of their full texts."""
    repeat: int
    """Of the paragraphs, those removed because the article has them twice,"""
    boilerplate: int
    """those removed as the feed's boilerplate,"""
    known: int
    """and those because another article has them."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A paragraph that has stood in several articles, of whichever feeds."""

    standing: Standing
    """Where it stands first."""
    articles: int
    feeds: int
    days: int
    """UTC days on which they were archived: of the feed that has the most."""


# -- evidence ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came in of a feed in an hour: entry versions it listed first then, article versions archived then."""

    feed: str
    hour: datetime
    """Its beginning, UTC."""
    entries: int
    articles: int


@dataclass(frozen=True, slots=True)
class Note:
    """What the service last said of one of its own affairs, for whoever looks later."""

    topic: str
    at: datetime
    is_good: bool
    text: str
    """In words for a person, on one line."""


class Trouble(StrEnum):
    """What somebody is told of."""

    SILENT = "silent"
    """A feed answers, but has brought nothing new for much longer than it used to take."""
    FAILING = "failing"
    """A feed has failed for a day."""
    GAP = "gap"
    """Entries of a feed may have been missed."""
    DISK = "disk"
    """There is little room left."""
    DAMAGE = "damage"
    """The archive is damaged."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A trouble that is known: when it began, whether it is over, and what somebody was told of it, when."""

    trouble: Trouble
    subject: str
    """The feed's name; ``""`` where it is the whole archive's."""
    detail: str
    since: datetime
    told: datetime | None = None
    over: datetime | None = None
    over_told: datetime | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """One HTTP exchange, as it went over the wire."""

    url: str
    at: datetime
    address: str | None
    """The IP address that answered."""
    request: bytes
    """Request line and header fields, up to and with the empty line."""
    head: bytes
    """Status line and header fields of the answer, up to and with the empty line."""
    body: bytes
    """As it was transferred: still in its content encoding, no longer in chunks."""
    notes: tuple[tuple[str, str], ...] = ()
    """Names and values for the metadata record: of which feed it is, which redirects led here."""


@dataclass(frozen=True, slots=True)
class Payload:
    """Where the raw copy of a body stands: the WARC response record that holds it."""

    digest: str
    """As in the record's ``WARC-Payload-Digest``."""
    url: str
    """The response record's ``WARC-Target-URI``,"""
    at: datetime
    """and its ``WARC-Date``."""
    file: str
    """WARC file, below the data directory."""
    offset: int
    """Where the record begins in it, in bytes as they are on disk."""


@dataclass(frozen=True, slots=True)
class ArchivedRevision:
    """What the store knows of one archived article version."""

    id: str
    revision: int
    text_hash: str
    title: str | None
    text_source: str
    place: Place
    keys: bytes | None = field(default=None, compare=False)
    """Of its paragraphs, as the index of texts has them (``storage.paragraphs``); None where it was not indexed."""


@dataclass(frozen=True, slots=True)
class FileContent:
    """What a stretch of a file tells, for a database that is to learn again what it knows of the files."""

    file: str
    """The name that places and references use."""
    committed: int
    """Bytes of it that count as committed, this stretch included."""
    articles: tuple[tuple[Article, Place], ...] = ()
    payloads: tuple[Payload, ...] = ()
    sealed: Sealed | None = None
    """Told once of a sealed file."""


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What it came to that a database learnt again what it knows of the files."""

    records: int
    forgotten: int
    """Records it had known that are in no file any more."""
    brought: int
    """Records no entry was known of, which brought one, or ended one that was pending."""
    lost: int
    """Entries that were archived, but whose record is in no file any more: failed now, and fetched if listed again."""


# -- asking around -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """robots.txt of one origin as last fetched (RFC 9309)."""

    origin: str
    status: int | None
    """None: unreachable."""
    body: bytes
    fetched: datetime
    good_body: bytes | None = None
    """The last body that came with 200, for when the site is down."""
    good_fetched: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """How the entry versions seen so far have ended: ``seen`` is always the sum of the others."""

    counts: Mapping[Outcome, int]

    @property
    def seen(self) -> int:
        """All entry versions ever listed by the feed."""
        return sum(self.counts.values())
