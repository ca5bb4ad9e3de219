"""Seals on decisions, who decides in which role, which part an image shows, and kept originals."""

import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from inspect_app.store.chain import NO_SEAL, SEALED_OF_DECISION, SEALED_OF_INSPECTION, seal
from inspect_app.store.chain_key import ChainKey, ChainKeyFile
from inspect_app.store.immutable import make_immutable

revision = "0002"
down_revision = "0001"

_BLIND_REVIEW_SHARE = 0.02
_NEW_OF_INSPECTIONS = ("part_id", "camera", "lot", "line", "quality", "original_asset")


def upgrade() -> None:
    """Add columns and tables; decisions that are there get their seals, in their order."""
    for name in _NEW_OF_INSPECTIONS:
        op.add_column("inspections", sa.Column(name, sa.Text))
    op.add_column("inspections", sa.Column("file_time_us", sa.BigInteger))
    op.add_column(
        "inspections",
        sa.Column("blind_review", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_index("inspections_by_time", "inspections", ["inspected_at", "id"])
    op.create_index("inspections_by_part", "inspections", ["part_id", "id"])
    _facts()
    _chain_keys()
    _exports()
    _removals()
    _decisions()
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA user_version = 2")


def _facts() -> None:
    facts = op.create_table(
        "store_facts",
        sa.Column(
            "id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False
        ),
        sa.Column("store_id", sa.Text, nullable=False),
        sa.Column("seed", sa.Text, nullable=False),
        sa.Column("blind_review_share", sa.Float, nullable=False),
        sa.Column("made_at", sa.Text, nullable=False),
    )
    row = {
        "id": 1,
        "store_id": uuid.uuid4().hex,
        "seed": secrets.token_hex(16),
        "blind_review_share": _BLIND_REVIEW_SHARE,
        "made_at": _now(),
    }
    op.bulk_insert(facts, [row])
    make_immutable(op.get_bind(), "store_facts", "id = NEW.id")


def _chain_keys() -> None:
    op.create_table(
        "chain_keys",
        sa.Column(
            "id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False
        ),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
    )
    make_immutable(op.get_bind(), "chain_keys", "id = NEW.id")


def _exports() -> None:
    op.create_table(
        "exports",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("inspection_id", sa.Integer, sa.ForeignKey("inspections.id"), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("exported_at", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("exports_by_inspection", "exports", ["inspection_id", "exported_at"])
    make_immutable(op.get_bind(), "exports", "id = NEW.id")


def _removals() -> None:
    op.create_table(
        "asset_removals",
        sa.Column("asset", sa.Text, primary_key=True),
        sa.Column("removed_at", sa.Text, nullable=False),
    )
    make_immutable(op.get_bind(), "asset_removals", "asset = NEW.asset")


def _decisions() -> None:
    """Rows cannot be changed, so the sealed ones go into a new table."""
    connection = op.get_bind()
    rows = _sealed_rows(connection)
    op.drop_table("decisions")
    decisions = op.create_table(
        "decisions",
        sa.Column(
            "id", sa.Integer, sa.CheckConstraint("id > 0"), primary_key=True, autoincrement=False
        ),
        sa.Column("inspection_id", sa.Integer, sa.ForeignKey("inspections.id"), nullable=False),
        sa.Column(
            "operator", sa.Text, sa.CheckConstraint("length(trim(operator)) > 0"), nullable=False
        ),
        sa.Column(
            "role",
            sa.Text,
            sa.CheckConstraint("role IN ('operator', 'reviewer', 'engineer')"),
            nullable=False,
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
        sa.Column("original_asset", sa.Text),
        sa.Column("seal", sa.Text, nullable=False),
    )
    op.create_index("decisions_by_inspection", "decisions", ["inspection_id", "id"])
    op.bulk_insert(decisions, rows)
    make_immutable(connection, "decisions", "id = NEW.id")


def _sealed_rows(connection: sa.Connection) -> list[dict[str, Any]]:
    old = connection.exec_driver_sql("SELECT * FROM decisions ORDER BY id").mappings().all()
    if not old:
        return []
    key, store_id = _key(connection), _fact(connection, "store_id")
    previous, rows = NO_SEAL, []
    for position, found in enumerate(old, start=1):
        row = dict(found) | {"id": position, "role": "operator", "original_asset": None}
        part = _inspection(connection, row["inspection_id"])
        sealed = {name: row[name] for name in SEALED_OF_DECISION}
        previous = seal(key, store_id, sealed, part, previous)
        rows.append(row | {"seal": previous})
    return rows


def _key(connection: sa.Connection) -> ChainKey:
    file = op.get_context().config.attributes["chain_key"]  # type: ignore[union-attr]
    assert isinstance(file, ChainKeyFile)
    key = file.load_or_make()
    insert = sa.text("INSERT INTO chain_keys (id, key_id, since) VALUES (1, :key_id, :since)")
    connection.execute(insert, {"key_id": key.key_id, "since": _now()})
    return key


def _inspection(connection: sa.Connection, inspection_id: int) -> dict[str, Any]:
    columns = ", ".join(SEALED_OF_INSPECTION)
    query = sa.text(f"SELECT {columns} FROM inspections WHERE id = :id")
    return dict(connection.execute(query, {"id": inspection_id}).mappings().one())


def _fact(connection: sa.Connection, name: str) -> str:
    return str(connection.execute(sa.text(f"SELECT {name} FROM store_facts")).scalar_one())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
