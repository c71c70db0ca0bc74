"""Numbers for article versions, and the index of their texts."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_KEPT = 'id, revision, feed, text_hash, title, text_source, file, "offset", length, archived, digest'


def upgrade() -> None:
    """Number the versions in the order of archiving, and make the index; the next start fills it from the files."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.execute(f"CREATE TABLE articles_before AS SELECT {_KEPT} FROM articles")  # noqa: S608 - names of columns
    op.drop_table("articles")
    op.create_table(
        "articles",
        sa.Column("number", number, nullable=False, autoincrement=False),
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
        sa.Column("digest", sa.LargeBinary),
        sa.Column("paragraph_keys", sa.LargeBinary),
        sa.Column("signature", sa.LargeBinary),
        sa.Column("repeat", sa.Integer, nullable=False, server_default="0"),
        sa.Column("boilerplate", sa.Integer, nullable=False, server_default="0"),
        sa.Column("known", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("number", name="pk_articles"),
        sa.ForeignKeyConstraint(["file"], ["files.path"], name="fk_articles_file"),
        sa.UniqueConstraint("file", "offset", name="one_record_a_place"),
        sa.UniqueConstraint("id", "revision", name="one_revision"),
    )
    numbered = f'SELECT row_number() OVER (ORDER BY archived, file, "offset"), {_KEPT} FROM articles_before'  # noqa: S608
    op.execute(f"INSERT INTO articles (number, {_KEPT}) {numbered}")
    op.execute("DROP TABLE articles_before")
    for table in ("paragraphs", "spellings"):
        op.create_table(
            table,
            sa.Column("key", number, nullable=False, autoincrement=False),
            sa.Column("check", sa.BigInteger, nullable=False),
            sa.Column("number", sa.BigInteger, nullable=False),
            sa.Column("at", sa.Integer, nullable=False),
            sa.PrimaryKeyConstraint("key", name=f"pk_{table}"),
        )
    op.create_table(
        "repeats",
        sa.Column("key", sa.BigInteger, nullable=False),
        sa.Column("feed", sa.Text, nullable=False),
        sa.Column("check", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("articles", sa.Integer, nullable=False),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("last_day", sa.Integer, nullable=False),
        sa.Column("head", sa.Integer, nullable=False),
        sa.Column("tail", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", "feed", name="pk_repeats"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "bands",
        sa.Column("band", number, nullable=False, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("band", name="pk_bands"),
    )
