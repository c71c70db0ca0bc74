"""What a feed's answers ask for, when news last came, the window a gap is told by, and the date an entry was given."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; of feeds read before, the last success stands for the last window seen."""
    op.add_column("feeds", sa.Column("lifetime", sa.Interval))
    op.add_column("feeds", sa.Column("ttl", sa.Interval))
    op.add_column("feeds", sa.Column("skip_hours", sa.Text))
    op.add_column("feeds", sa.Column("skip_days", sa.Text))
    op.add_column("feeds", sa.Column("last_new", sa.DateTime(timezone=True)))
    op.add_column("feeds", sa.Column("window_listed", sa.DateTime(timezone=True)))
    op.add_column("feeds", sa.Column("window_seen", sa.DateTime(timezone=True)))
    op.execute("UPDATE feeds SET window_seen = last_success")
    op.add_column("entries", sa.Column("dated", sa.DateTime(timezone=True)))
