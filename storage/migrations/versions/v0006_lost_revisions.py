"""The newest revision that each article has lost: what is archived of it afterwards is numbered on from there."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table; what was lost before is not known any more."""
    op.create_table(
        "lost_revisions",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lost_revisions"),
    )
