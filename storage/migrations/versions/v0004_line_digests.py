"""A digest of each record's line: what neither its text_hash nor a sealed file's digest covers is noticed too."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; of lines archived before, no digest is known until ``veille verify --rebuild`` makes it."""
    op.add_column("articles", sa.Column("digest", sa.LargeBinary))
