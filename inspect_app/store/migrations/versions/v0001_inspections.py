"""The first tables: bundles, inspections and decisions."""

import sqlalchemy as sa
from alembic import op

from inspect_app.store.immutable import make_immutable

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them, and let nothing in them be changed."""
    _bundles()
    _inspections()
    _decisions()
    connection = op.get_bind()
    make_immutable(connection, "bundles", "bundle_id = NEW.bundle_id")
    make_immutable(connection, "inspections", "id = NEW.id OR arrival_key = NEW.arrival_key")
    make_immutable(connection, "decisions", "id = NEW.id")
    if connection.dialect.name == "sqlite":
        op.execute(f"PRAGMA application_id = {0x494E5350}")
        op.execute("PRAGMA user_version = 1")


def _bundles() -> None:
    op.create_table(
        "bundles",
        sa.Column("bundle_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("layout_asset", sa.Text),
        sa.Column("registered_at", sa.Text, nullable=False),
    )


def _inspections() -> None:
    op.create_table(
        "inspections",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("arrival_key", sa.Text, nullable=False, unique=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text),
        sa.Column("arrived_at", sa.Text, nullable=False),
        sa.Column("inspected_at", sa.Text, nullable=False),
        sa.Column("bundle_id", sa.Text, sa.ForeignKey("bundles.bundle_id"), nullable=False),
        sa.Column(
            "status", sa.Text, sa.CheckConstraint("status IN ('ok', 'unreadable')"), nullable=False
        ),
        sa.Column("verdict", sa.Text, sa.CheckConstraint("verdict IN ('pass', 'recheck', 'fail')")),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("defect_type", sa.Text),
        *(sa.Column(name, sa.Float) for name in ("z", "t_pass", "t_fail", "outlier")),
        sa.Column("outlier_limit", sa.Float),
        sa.Column("contributions", sa.Text, nullable=False),
        sa.Column("latency_ms", sa.Float),
        sa.Column("duplicate_of", sa.Integer, sa.ForeignKey("inspections.id")),
        *(sa.Column(name, sa.Text) for name in ("geometry", "picture_asset", "maps_asset")),
        sa.CheckConstraint(
            "(status = 'ok') = (verdict IS NOT NULL)", name="only_readable_parts_are_judged"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("inspections_by_verdict", "inspections", ["verdict", "id"])
    op.create_index("inspections_by_status", "inspections", ["status", "id"])
    op.create_index("inspections_by_content", "inspections", ["sha256", "bundle_id", "id"])


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("inspection_id", sa.Integer, sa.ForeignKey("inspections.id"), nullable=False),
        sa.Column(
            "operator", sa.Text, sa.CheckConstraint("length(trim(operator)) > 0"), nullable=False
        ),
        sa.Column(
            "decision",
            sa.Text,
            sa.CheckConstraint("decision IN ('pass', 'recheck', 'fail')"),
            nullable=False,
        ),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_at", sa.Text, nullable=False),
        sa.Column("bundle_id", sa.Text, sa.ForeignKey("bundles.bundle_id"), nullable=False),
        sa.Column("t_pass", sa.Float),
        sa.Column("t_fail", sa.Float),
        sqlite_autoincrement=True,
    )
    op.create_index("decisions_by_inspection", "decisions", ["inspection_id", "id"])
