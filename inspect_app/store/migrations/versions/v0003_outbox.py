"""What the plant is to be told, in order, and how far each destination has come."""

import sqlalchemy as sa
from alembic import op

from inspect_app.store.immutable import make_immutable

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add both tables; what the store holds already is told where somebody asks for all of it."""
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "kind",
            sa.Text,
            sa.CheckConstraint("kind IN ('inspection', 'decision', 'anchor')"),
            nullable=False,
        ),
        sa.Column("about", sa.Integer, nullable=False),
        sa.Column("content", sa.Text),
        sqlite_autoincrement=True,
    )
    for table, kind in (("inspections", "inspection"), ("decisions", "decision")):
        op.execute(f"INSERT INTO outbox (kind, about) SELECT '{kind}', id FROM {table} ORDER BY id")
    make_immutable(op.get_bind(), "outbox", "id = NEW.id")
    op.create_table(
        "destinations",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
        sa.Column("sent_up_to", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.Text),
        sa.Column("seen_at", sa.Text),
        sa.Column("trouble", sa.Text),
        sa.Column("trouble_since", sa.Text),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA user_version = 3")
