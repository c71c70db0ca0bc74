"""The first schema: feeds and their polls, the ledger of entries, where each record stands."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PENDING = sa.text("outcome = 'pending'")


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "article_urls",
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("article_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_article_urls"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entries",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("feed", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("guid", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("article_id", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_tried", sa.DateTime(timezone=True)),
        sa.Column("next_try", sa.DateTime(timezone=True)),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("payload", sa.LargeBinary),
        sa.PrimaryKeyConstraint("number", name="pk_entries"),
        sa.UniqueConstraint("feed", "key", "version", name="one_entry_version"),
    )
    op.create_index("entries_by_article", "entries", ["article_id"])
    op.create_index("entries_by_outcome", "entries", ["feed", "outcome"])
    op.create_index(
        "pending_entries",
        "entries",
        ["host", "number", "next_try", "outcome"],
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
    op.create_table(
        "feeds",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("effective_url", sa.Text),
        sa.Column("etag", sa.LargeBinary),
        sa.Column("last_modified", sa.LargeBinary),
        sa.Column("validators_broken", sa.Boolean, nullable=False),
        sa.Column("identical_bodies", sa.Integer, nullable=False),
        sa.Column("body_hash", sa.LargeBinary),
        sa.Column("health", sa.String(16), nullable=False),
        sa.Column("next_due", sa.DateTime(timezone=True)),
        sa.Column("due_reason", sa.Text, nullable=False),
        sa.Column("interval", sa.Interval, nullable=False),
        sa.Column("failures", sa.Float(precision=53), nullable=False),
        sa.Column("last_polled", sa.DateTime(timezone=True)),
        sa.Column("last_success", sa.DateTime(timezone=True)),
        sa.Column("last_status", sa.Integer),
        sa.Column("last_error", sa.Text),
        sa.Column("gone_since", sa.DateTime(timezone=True)),
        sa.Column("moved_to", sa.Text),
        sa.Column("moved_since", sa.DateTime(timezone=True)),
        sa.Column("title", sa.Text),
        sa.PrimaryKeyConstraint("name", name="pk_feeds"),
    )
    op.create_table(
        "files",
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("committed", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_files"),
    )
    op.create_table(
        "holds",
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("host", name="pk_holds"),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )
    op.create_table(
        "robots_files",
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("fetched", sa.DateTime(timezone=True), nullable=False),
        sa.Column("good_body", sa.LargeBinary),
        sa.Column("good_fetched", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("origin", name="pk_robots_files"),
    )
    op.create_table(
        "articles",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("feed", sa.Text, nullable=False),
        sa.Column("text_hash", sa.Text, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("text_source", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("archived", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["file"], ["files.path"], name="fk_articles_file"),
        sa.PrimaryKeyConstraint("id", "revision", name="pk_articles"),
        sa.UniqueConstraint("file", "offset", name="one_record_a_place"),
    )
    op.create_table(
        "gaps",
        sa.Column("feed", sa.Text, nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["feed"], ["feeds.name"], name="fk_gaps_feed"),
        sa.PrimaryKeyConstraint("feed", "end", name="pk_gaps"),
    )
    op.create_table(
        "polls",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("feed", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("conditional", sa.Boolean, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("listed", sa.Integer, nullable=False),
        sa.Column("dropped", sa.Integer, nullable=False),
        sa.Column("added", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("seconds", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["feed"], ["feeds.name"], name="fk_polls_feed"),
        sa.PrimaryKeyConstraint("number", name="pk_polls"),
    )
    op.create_index("polls_by_feed", "polls", ["feed", "at"])
