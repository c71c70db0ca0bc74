"""The database's tables: one definition for SQLite and PostgreSQL. What changes here needs a migration beside it."""

import sqlalchemy as sa

from storage.columns import Instant, Number, Numbers, one_of
from storage.model import Health, Outcome, Trouble

REVISION = "0008"
"""The migration that makes a database look like this module."""


metadata = sa.MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s"},
)

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

# -- polling -----------------------------------------------------------------------------------------------------------

feeds = sa.Table(
    "feeds",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("effective_url", sa.Text),
    sa.Column("etag", sa.LargeBinary),
    sa.Column("last_modified", sa.LargeBinary),
    sa.Column("validators_broken", sa.Boolean, nullable=False),
    sa.Column("identical_bodies", sa.Integer, nullable=False),
    sa.Column("body_hash", sa.LargeBinary),
    sa.Column("health", one_of(Health), nullable=False),
    sa.Column("next_due", Instant),
    sa.Column("due_reason", sa.Text, nullable=False),
    sa.Column("interval", sa.Interval, nullable=False),
    sa.Column("lifetime", sa.Interval),
    sa.Column("ttl", sa.Interval),
    sa.Column("skip_hours", Numbers),
    sa.Column("skip_days", Numbers),
    sa.Column("failures", sa.Float(53), nullable=False),
    sa.Column("last_polled", Instant),
    sa.Column("last_success", Instant),
    sa.Column("last_new", Instant),
    sa.Column("window_listed", Instant),
    sa.Column("window_seen", Instant),
    sa.Column("last_status", sa.Integer),
    sa.Column("last_error", sa.Text),
    sa.Column("failing_since", Instant),
    sa.Column("gone_since", Instant),
    sa.Column("moved_to", sa.Text),
    sa.Column("moved_since", Instant),
    sa.Column("title", sa.Text),
)

polls = sa.Table(
    "polls",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("feed", sa.Text, sa.ForeignKey("feeds.name"), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("conditional", sa.Boolean, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("listed", sa.Integer, nullable=False),
    sa.Column("dropped", sa.Integer, nullable=False),
    sa.Column("added", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("seconds", sa.Float(53), nullable=False),
    sa.Index("polls_by_feed", "feed", "at"),
)

gaps = sa.Table(
    "gaps",
    metadata,
    sa.Column("feed", sa.Text, sa.ForeignKey("feeds.name"), primary_key=True),
    sa.Column("start", Instant, nullable=False),
    sa.Column("end", Instant, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
)

# -- the ledger --------------------------------------------------------------------------------------------------------

entries = sa.Table(
    "entries",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("feed", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("guid", sa.Text),
    sa.Column("url", sa.Text),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("article_id", sa.Text, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("outcome", one_of(Outcome), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("first_tried", Instant),
    sa.Column("next_try", Instant),  # null: at once
    sa.Column("first_seen", Instant, nullable=False),
    sa.Column("last_seen", Instant, nullable=False),
    sa.Column("dated", Instant),
    sa.Column("decided_at", Instant),
    sa.UniqueConstraint("feed", "key", "version", name="one_entry_version"),
    sa.Index("entries_by_article", "article_id"),
    sa.Index("entries_by_outcome", "feed", "outcome"),
    sa.Index("entries_by_arrival", "feed", "first_seen"),
)

is_pending = entries.c.outcome == sa.literal_column("'pending'")
"""Written out, not bound: SQLite uses a partial index only where it reads the index's own condition in the query."""

sa.Index(
    "pending_entries",
    entries.c.host,
    entries.c.number,
    entries.c.next_try,
    entries.c.outcome,  # always the same, but without it SQLite would read every row to see that it is
    sqlite_where=is_pending,
    postgresql_where=is_pending,
)

waiting = sa.Table(
    "waiting",
    metadata,
    # what the feed gave, while the entry is pending: kept for good it would outgrow the archive. Apart from rows that
    # stay, because SQLite takes a page for something else only where all of it is free: half the database would be air
    sa.Column(
        "number",
        Number,
        sa.ForeignKey("entries.number"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("payload", sa.LargeBinary, nullable=False),  # the Entry as JSON
)

# -- the archive's side ------------------------------------------------------------------------------------------------

files = sa.Table(
    "files",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("committed", sa.BigInteger, nullable=False),  # bytes
)

articles = sa.Table(
    "articles",
    metadata,
    sa.Column("number", Number, primary_key=True, autoincrement=False),  # in the order of archiving
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("feed", sa.Text, nullable=False),
    sa.Column("text_hash", sa.Text, nullable=False),
    sa.Column("title", sa.Text),
    sa.Column("text_source", sa.Text, nullable=False),
    sa.Column("file", sa.Text, sa.ForeignKey("files.path"), nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("length", sa.BigInteger, nullable=False),
    sa.Column("archived", Instant, nullable=False),
    sa.Column("digest", sa.LargeBinary),  # of the line, blake2b-128; null: archived by a program that made none
    sa.Column("paragraph_keys", sa.LargeBinary),  # storage.paragraphs.Indexed; null: not indexed
    sa.Column("signature", sa.LargeBinary),  # storage.sketches; null: not indexed, too short
    sa.Column("repeat", sa.Integer, nullable=False, server_default="0"),  # paragraphs removed, by reason
    sa.Column("boilerplate", sa.Integer, nullable=False, server_default="0"),
    sa.Column("known", sa.Integer, nullable=False, server_default="0"),
    sa.UniqueConstraint("id", "revision", name="one_revision"),
    sa.UniqueConstraint("file", "offset", name="one_record_a_place"),
    sa.Index("articles_by_time", "archived", "feed"),
)

lost_revisions = sa.Table(
    "lost_revisions",
    metadata,
    # the newest that was forgotten, for its file was lost: should that come back, no other record has its number
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
)

article_urls = sa.Table(
    "article_urls",
    metadata,
    sa.Column("hash", sa.LargeBinary, primary_key=True),  # blake2b-128: a URL may be too long for an index
    sa.Column("article_id", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

sealed_files = sa.Table(
    "sealed_files",
    metadata,
    sa.Column("file", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("first_id", sa.Text),
    sa.Column("last_id", sa.Text),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    sa.Column("members", sa.LargeBinary, nullable=False),  # JSON: pairs of start and offset
)

payloads = sa.Table(
    "payloads",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Index("payloads_by_place", "file", "offset"),
)

# -- texts: all of it derived from the records (storage.paragraphs, storage.sketches) ----------------------------------

paragraphs = sa.Table(
    "paragraphs",
    metadata,
    sa.Column("key", Number, primary_key=True, autoincrement=False),  # of the fold
    sa.Column("check", sa.BigInteger, nullable=False),  # the exact key of the first text of that fold
    sa.Column("number", sa.BigInteger, nullable=False),  # of the article version where that stands,
    sa.Column("at", sa.Integer, nullable=False),  # and its position there
)

spellings = sa.Table(
    "spellings",
    metadata,
    # texts that fold like one in ``paragraphs``, but are written otherwise
    sa.Column("key", Number, primary_key=True, autoincrement=False),  # the exact one
    sa.Column("check", sa.BigInteger, nullable=False),  # the other half of the exact fingerprint
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("at", sa.Integer, nullable=False),
)

repeats = sa.Table(
    "repeats",
    metadata,
    # of texts that have stood in several articles only: most never come again
    sa.Column("key", sa.BigInteger, primary_key=True),  # the exact one
    sa.Column("feed", sa.Text, primary_key=True),
    sa.Column("check", sa.BigInteger, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),  # where it stands first, be it in another feed's article
    sa.Column("at", sa.Integer, nullable=False),
    sa.Column("articles", sa.Integer, nullable=False),
    sa.Column("days", sa.Integer, nullable=False),
    sa.Column("last_day", sa.Integer, nullable=False),
    sa.Column("head", sa.Integer, nullable=False),
    sa.Column("tail", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)

bands = sa.Table(
    "bands",
    metadata,
    # the first article version whose sketch has a band (storage.sketches)
    sa.Column("band", Number, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, nullable=False),
)

# -- the service's own affairs -----------------------------------------------------------------------------------------

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("is_good", sa.Boolean, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("trouble", one_of(Trouble), primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("told", Instant),
    sa.Column("over", Instant),
    sa.Column("over_told", Instant),
)

# -- asking around -----------------------------------------------------------------------------------------------------

robots_files = sa.Table(
    "robots_files",
    metadata,
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("status", sa.Integer),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("fetched", Instant, nullable=False),
    sa.Column("good_body", sa.LargeBinary),
    sa.Column("good_fetched", Instant),
)

holds = sa.Table(
    "holds",
    metadata,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("until", Instant, nullable=False),
)
