"""The Store protocol: what every store promises the rest of the program."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from storage.fingerprints import Fingerprint
from storage.model import (
    Alert,
    ArchivedRevision,
    Arrivals,
    Article,
    FeedState,
    FileContent,
    Gap,
    Intake,
    KnownEntry,
    Ledger,
    Note,
    Payload,
    PendingEntry,
    Place,
    Poll,
    Recurrence,
    Reindexed,
    Repeated,
    Resolution,
    Retry,
    RobotsFile,
    Sealed,
    Sketched,
    Standing,
)
from storage.paragraphs import Paragraphs


class Store(Protocol):
    """State that survives a restart: feeds, the ledger of entries, where each record stands.

    Threads: a store is used from one thread at a time. Times are aware UTC. Each method is one transaction: it
    happens whole or not at all, and is durable when it returns. Every method raises ``StorageError`` when the
    database cannot be read or written, and nothing else that a caller should expect.
    """

    # -- feeds ---------------------------------------------------------------------------------------------------------

    def feed_states(self) -> Mapping[str, FeedState]:
        """Every feed's state, by name; a feed never polled is not in it."""

    def known_entries(
        self, feed: str, keys: Collection[str], article_ids: Collection[str]
    ) -> tuple[Mapping[str, KnownEntry], Mapping[str, tuple[KnownEntry, ...]]]:
        """What is known of a document's entries: the feed's own by key, and any feed's by article id.

        Each is the newest version of its entry. The second mapping holds all entries (of this feed and others)
        that lead to the article.
        """

    def commit_poll(self, poll: Poll) -> None:
        """``commit_polls`` of one."""

    def commit_polls(self, group: Sequence[Poll]) -> None:
        """COMMIT 1: of each poll the feed's state, itself, new entries as given, sightings and gap, in this order."""

    # -- the ledger ----------------------------------------------------------------------------------------------------

    def pending_hosts(self, now: datetime) -> Sequence[str]:
        """Hosts (lower case, with port where it is not the scheme's own) with an entry due for archiving at ``now``.

        Entries without a page of their own come under the host ``""``. Most entries first.
        """

    def pending(self, host: str, now: datetime, limit: int, after: int = 0) -> Sequence[PendingEntry]:
        """The next entries of ``host`` due at ``now`` with a number above ``after``, by number, one per article.

        Other pending versions for the same article (due or not, of any feed or host) come along as ``siblings``; the
        one returned has the lowest number of those that are due.
        """

    def settle(self, resolutions: Sequence[Resolution], retries: Sequence[Retry], now: datetime) -> None:
        """End or postpone entries that bring no record. A resolution counts as one attempt, a retry where it was one.

        An entry that has ended before keeps its end.
        """

    def stranded(self) -> int:
        """How many pending entries can never have their turn, for what the feed gave of them is lost."""

    def end_stranded(self, now: datetime) -> int:
        """End them as failed; returns how many. What the feed lists again of them counts as new."""

    def ledger(self) -> Mapping[str, Ledger]:
        """The ledger of every feed that ever listed an entry, by feed name."""

    def gaps(self, feed: str | None = None) -> Sequence[Gap]:
        """All gaps, newest first; of one feed where it is named."""

    def reasons(self) -> Mapping[tuple[str, str], int]:
        """How many entries ended, or still wait, for which reason: (outcome, reason) → count."""

    # -- the archive's side --------------------------------------------------------------------------------------------

    def commit_articles(
        self,
        file: str,
        offset: int,
        articles: Sequence[tuple[Article, Place]],
        resolutions: Sequence[Resolution],
        now: datetime,
        index: Paragraphs | None = None,
    ) -> None:
        """COMMIT 2: records' places and texts, entries' outcomes, the file's committed offset, in one transaction.

        ``index``, where it is given, is what ``paragraphs`` gave since the last commit, with just these articles added
        in this order: what the index would come to otherwise, without looking it up again.
        """

    def adopt(self, file: str, offset: int, articles: Iterable[tuple[Article, Place]], now: datetime) -> int:
        """Take in records found on disk past the committed offset; returns how many were new.

        A record already known by (id, revision) changes nothing. The pending entry a record was made from (same
        feed, same guid or URL, same article) ends as archived, and other pending entries of that article that its
        ``also_in`` names as unchanged, where its text is the page's. A record without one (the database was lost)
        brings an archived entry of its own, so that there are always as many archived entries as records.
        """

    def committed_offset(self, file: str) -> int:
        """Bytes of ``file`` that are committed; 0 for a file never committed to."""

    def committed_files(self) -> Mapping[str, int]:
        """Every file with committed records, and its committed offset."""

    def latest(self, article_ids: Collection[str]) -> Mapping[str, ArchivedRevision]:
        """The newest archived revision of each article; articles never archived are not in it."""

    def lost_revisions(self, article_ids: Collection[str]) -> Mapping[str, int]:
        """The newest revision that each article ever lost by ``reindex``; those that lost none are not in it.

        Should its file come back, no other record must have its number.
        """

    def revisions(self, article_id: str) -> Sequence[ArchivedRevision]:
        """All archived revisions of an article, oldest first."""

    def records_in(self, file: str, start: int, limit: int) -> Sequence[ArchivedRevision]:
        """The first ``limit`` revisions whose records stand in ``file`` at byte ``start`` or later, by offset."""

    def balance(self) -> tuple[int, int]:
        """How many entries are archived, and how many records there are: equal unless something is wrong."""

    def unbalanced(self, limit: int) -> Mapping[str, tuple[int, int]]:
        """Articles with not as many archived entries as records, at most ``limit``: (entries, records) by id."""

    def find_urls(self, urls: Collection[str]) -> Mapping[str, str]:
        """Ids of the articles whose requested, final or canonical URL is exactly one of ``urls``, by that URL.

        Where several articles have had the same URL, the one that was archived with it first.
        """

    def find_id(self, prefix: str) -> str | None:
        """The only article id that begins with ``prefix`` (lower-case hex); None where there is none, or several."""

    def sightings(self, article_ids: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Feeds that have listed each article, in the order of their first sighting."""

    def writer(self) -> str:
        """This archive's writer name: a short random word made at the first use, part of every file name."""

    def reindex(self, contents: Iterable[FileContent], now: datetime, *, may_forget: bool) -> Reindexed:
        """Forget what can be read from the files, and learn it again: records, URLs, offsets, sealed files, payloads.

        All of it is one transaction: whoever dies in the middle has changed nothing. The ledger of entries, the feeds
        and the writer's name stay; the ledger is brought to as many archived entries as there are records. Of a record
        or body that comes twice, the first counts. Doing it twice changes nothing.

        Args:
            contents: What the files hold, read while it runs.
            now: When entries end by it.
            may_forget: Otherwise the files must hold every record and body known before, each as it was.

        Raises:
            CorruptArchiveError: they do not; nothing was changed.
        """

    # -- texts ---------------------------------------------------------------------------------------------------------

    def paragraphs(self, texts: Collection[Fingerprint], article_ids: Collection[str]) -> Paragraphs:
        """The part of the paragraph index that these texts touch, in articles of these ids or of any others."""

    def sketched(self, bands: Collection[int]) -> Mapping[int, Sketched]:
        """The first article version whose sketch has each of these bands; those that no sketch has are not in it."""

    def is_indexed(self) -> bool:
        """Whether the index of texts holds every record, by this program's normaliser."""

    def forget_texts(self) -> None:
        """Have the index of texts made again at the next start: it is no longer what the records say."""

    def index_texts(self, records: Iterable[tuple[Article, Place]]) -> int:
        """Forget the index of texts, and make it of these records again; returns how many there were.

        One transaction. Records that are not known by id and revision are passed over.
        """

    # -- figures, of these feeds or, where none is named, of all -------------------------------------------------------

    def intake(self, feeds: Collection[str] = ()) -> Sequence[Intake]:
        """What came in, by feed and UTC day of archiving; a day without an article of the feed is not in it."""

    def boilerplate(
        self, articles: int, days: int, limit: int, feeds: Collection[str] = ()
    ) -> Sequence[tuple[Recurrence, Standing]]:
        """Paragraphs that stood at the head of so many articles of a feed, or at the tail, on so many days.

        By feed, at most ``limit`` of each, those in most articles first; each with where its text stands first, be it
        in another feed's article.
        """

    def most_repeated(self, limit: int, feeds: Collection[str] = ()) -> Sequence[Repeated]:
        """The ``limit`` paragraphs that stood in most articles, those first."""

    def arrivals(self, since: datetime, feed: str | None = None) -> Sequence[Arrivals]:
        """What came in from ``since`` on, by feed and hour; an hour in which nothing of a feed came is not in it.

        Of one feed where it is named. By name; oldest first.
        """

    def newest(self, feeds: Collection[str], limit: int) -> Mapping[str, Sequence[datetime]]:
        """The ``limit`` last moments at which something of each feed came, newest first; none twice.

        So what one document brought counts once. Entries of a feed's first document came when they are dated, as far
        as they are and that is no later; all others when first seen.
        """

    # -- the service's own affairs -------------------------------------------------------------------------------------

    def note(self, note: Note) -> None:
        """Remember what the service says of a topic, in place of what it said before."""

    def notes(self) -> Mapping[str, Note]:
        """What the service last said, by topic."""

    def alerts(self) -> Sequence[Alert]:
        """All troubles that are remembered, those that are over too; by trouble, oldest first."""

    def save_alerts(self, changed: Sequence[Alert]) -> None:
        """Remember troubles, each in place of what was known of the same trouble and subject."""

    def forget_before(self, moment: datetime) -> int:
        """Forget what was over before ``moment``; returns how many polls that were.

        Polls, troubles, silences that had ended, robots.txt files last asked for before.
        """

    # -- sealed files and raw copies -----------------------------------------------------------------------------------

    def sealed_files(self) -> Mapping[str, Sealed]:
        """Every sealed file, by ``Sealed.file``, in the order of those names."""

    def is_sealed(self, file: str) -> bool:
        """Whether a file, by ``Sealed.file``, is sealed."""

    def seal(self, sealed: Sealed) -> None:
        """Remember a sealed file, in place of what was known of it."""

    def commit_raw(self, file: str, offset: int, payloads: Sequence[Payload], lost: Collection[str] = ()) -> None:
        """The raw copies' own commit: the WARC file's committed offset, and the bodies it holds from there.

        A body that is known already stays where it was first, but for those with these digests, which are lost there.
        """

    def payloads(self, digests: Collection[str]) -> Mapping[str, Payload]:
        """Where bodies stand, by digest; those never kept are not in it."""

    def payloads_in(self, file: str, start: int, limit: int) -> Sequence[Payload]:
        """The first ``limit`` bodies that stand first in ``file``, at byte ``start`` or later, by offset."""

    # -- robots.txt ----------------------------------------------------------------------------------------------------

    def robots(self, origin: str) -> RobotsFile | None:
        """robots.txt of an origin (``scheme://host[:port]``) as last saved."""

    def save_robots(self, robots: RobotsFile) -> None:
        """Keep a robots.txt."""

    # -- politeness ----------------------------------------------------------------------------------------------------

    def holds(self) -> Mapping[str, datetime]:
        """Hosts that asked for silence (429), and until when."""

    def hold(self, host: str, until: datetime) -> None:
        """Remember that a host asked for silence until then."""

    def damage(self) -> Sequence[str]:
        """What is wrong with the database itself, a line each: torn pages, indexes that are lost or miss rows.

        Takes as long as reading all of it. Raises nothing for a database that is damaged.
        """

    def mend(self) -> Sequence[str]:
        """Make lost tables (empty) and lost or faulty indexes anew; returns what that was, a line each."""

    def close(self) -> None:
        """Let go of the database."""
