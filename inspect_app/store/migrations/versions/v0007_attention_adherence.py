"""How much of each head's attention lay on its part, so that reports can tell when that moves."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; earlier inspections have none."""
    op.add_column("inspections", sa.Column("adherence", sa.Text))
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA user_version = 7")
