"""Indexes for reports and reviews: by bundle, line and class, and what waits for blind review."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the indexes; no row changes."""
    counted = ["inspected_at", "id", "verdict", "blind_review", "bundle_id", "line"]
    op.drop_index("inspections_by_time", "inspections")
    op.create_index("inspections_by_time", "inspections", counted)
    op.create_index("inspections_by_bundle", "inspections", ["bundle_id", "id"])
    op.create_index("inspections_by_line", "inspections", ["line", "inspected_at", "id"])
    op.create_index("inspections_by_class", "inspections", ["defect_type", "id"])
    op.create_index(
        "inspections_in_blind_review",
        "inspections",
        ["id"],
        sqlite_where=sa.text("blind_review = 1"),
        postgresql_where=sa.text("blind_review"),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA user_version = 5")
