"""What a service that runs for years has to remember of itself, and to find quickly of its feeds."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make notes and alerts, since when a feed fails, and the indexes by time."""
    op.add_column("feeds", sa.Column("failing_since", _TIME))
    # since when exactly was not kept: as late as it can be, so that no feed seems to fail for longer than it does
    op.execute(
        "UPDATE feeds SET failing_since = coalesce(gone_since, last_polled, last_success) "
        "WHERE health IN ('failing', 'gone')"
    )
    op.create_index("entries_by_arrival", "entries", ["feed", "first_seen"])
    op.create_index("articles_by_time", "articles", ["archived", "feed"])
    op.create_table(
        "notes",
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("is_good", sa.Boolean, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("topic", name="pk_notes"),
    )
    op.create_table(
        "alerts",
        sa.Column("trouble", sa.String(16), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("told", _TIME),
        sa.Column("over", _TIME),
        sa.Column("over_told", _TIME),
        sa.PrimaryKeyConstraint("trouble", "subject", name="pk_alerts"),
    )
