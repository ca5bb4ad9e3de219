"""Who may sign in at the station, with role and hashed PIN, and how often a name was tried."""

import sqlalchemy as sa
from alembic import op

from inspect_app.store.immutable import make_immutable

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add both tables; who decided so far stays in the decisions alone."""
    op.create_table(
        "operators",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, sa.CheckConstraint("length(trim(name)) > 0"), nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column(
            "role",
            sa.Text,
            sa.CheckConstraint("role IN ('operator', 'reviewer', 'engineer')"),
            nullable=False,
        ),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("pin_hash", sa.Text),
        sa.Column("changed_at", sa.Text, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("operators_by_name", "operators", ["folded", "id"])
    make_immutable(op.get_bind(), "operators", "id = NEW.id")
    op.create_table(
        "sign_in_tries",
        sa.Column("name_key", sa.Text, primary_key=True),
        sa.Column("wrong", sa.Integer, nullable=False),
        sa.Column("last_at", sa.Text, nullable=False),
        sa.Column("locked_until", sa.Text),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA user_version = 4")
