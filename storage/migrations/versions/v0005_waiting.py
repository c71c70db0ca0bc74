"""What feeds gave of pending entries, in a table of its own, so that it leaves no holes behind."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Move it. Of a database that is used already, the holes it has stay."""
    op.create_table(
        "waiting",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_waiting"),
        sa.ForeignKeyConstraint(["number"], ["entries.number"], name="fk_waiting_number"),
    )
    op.execute("INSERT INTO waiting SELECT number, payload FROM entries WHERE payload IS NOT NULL")
    op.drop_column("entries", "payload")
