"""Who asked a watch to go on with another bundle, why, and what became of it."""

import sqlalchemy as sa
from alembic import op

from inspect_app.store.immutable import make_immutable

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "bundle_switches",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("feed", sa.Text, nullable=False),
        sa.Column("bundle_id", sa.Text, nullable=False),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("operator", sa.Text, sa.CheckConstraint("length(trim(operator)) > 0")),
        sa.Column("role", sa.Text, sa.CheckConstraint("role = 'engineer'"), nullable=False),
        sa.Column("reason", sa.Text, sa.CheckConstraint("length(trim(reason)) > 0")),
        sa.Column("asked_at", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("bundle_switches_by_feed", "bundle_switches", ["feed", "id"])
    op.create_table(
        "bundle_switch_answers",
        sa.Column("switch_id", sa.Integer, sa.ForeignKey("bundle_switches.id"), primary_key=True),
        sa.Column(
            "outcome",
            sa.Text,
            sa.CheckConstraint("outcome IN ('taken', 'refused')"),
            nullable=False,
        ),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("started_with", sa.Text, nullable=False),
        sa.Column("answered_at", sa.Text, nullable=False),
    )
    make_immutable(op.get_bind(), "bundle_switches", "id = NEW.id")
    make_immutable(op.get_bind(), "bundle_switch_answers", "switch_id = NEW.switch_id")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA user_version = 6")
