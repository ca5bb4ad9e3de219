"""The tables of the store, and the rules that keep what was once written from being changed."""

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

SCHEMA_VERSION = 1
APPLICATION_ID = 0x494E5350  # "INSP": tells a store from any other SQLite file
IMMUTABLE_TABLES = ("bundles", "inspections", "decisions")


class UtcTime(TypeDecorator[datetime]):
    """A moment, kept as ISO text in UTC with a fixed width, so that texts sort like times."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Refuse moments without a time zone: a line PC's local time jumps twice a year."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"expected a moment with a time zone, found {value!r}")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read the ISO text back."""
        return None if value is None else datetime.fromisoformat(value)


class JsonText(TypeDecorator[Any]):
    """A JSON value, kept as text; NaN and infinity are refused."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write JSON that any reader of any language takes."""
        return None if value is None else json.dumps(value, allow_nan=False, ensure_ascii=False)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Parse the text."""
        return None if value is None else json.loads(value)


tables = MetaData()

bundles = Table(
    "bundles",
    tables,
    Column("bundle_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("manifest", JsonText, nullable=False),
    Column("layout_asset", Text),
    Column("registered_at", UtcTime, nullable=False),
)

inspections = Table(
    "inspections",
    tables,
    Column("id", Integer, primary_key=True),
    Column("arrival_key", Text, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("sha256", Text),
    Column("arrived_at", UtcTime, nullable=False),
    Column("inspected_at", UtcTime, nullable=False),
    Column("bundle_id", Text, ForeignKey("bundles.bundle_id"), nullable=False),
    Column("status", Text, CheckConstraint("status IN ('ok', 'unreadable')"), nullable=False),
    Column("verdict", Text, CheckConstraint("verdict IN ('pass', 'recheck', 'fail')")),
    Column("reason", Text, nullable=False),
    Column("defect_type", Text),
    Column("z", Float),
    Column("t_pass", Float),
    Column("t_fail", Float),
    Column("outlier", Float),
    Column("outlier_limit", Float),
    Column("contributions", JsonText, nullable=False),
    Column("latency_ms", Float),
    Column("duplicate_of", Integer, ForeignKey("inspections.id")),
    Column("geometry", JsonText),
    Column("picture_asset", Text),
    Column("maps_asset", Text),
    CheckConstraint(
        "(status = 'ok') = (verdict IS NOT NULL)", name="only_readable_parts_are_judged"
    ),
    Index("inspections_by_verdict", "verdict", "id"),
    Index("inspections_by_status", "status", "id"),
    Index("inspections_by_content", "sha256", "bundle_id", "id"),
    sqlite_autoincrement=True,
)

decisions = Table(
    "decisions",
    tables,
    Column("id", Integer, primary_key=True),
    Column("inspection_id", Integer, ForeignKey("inspections.id"), nullable=False),
    Column("operator", Text, CheckConstraint("length(trim(operator)) > 0"), nullable=False),
    Column(
        "decision",
        Text,
        CheckConstraint("decision IN ('pass', 'recheck', 'fail')"),
        nullable=False,
    ),
    Column("reason", Text, nullable=False),
    Column("decided_at", UtcTime, nullable=False),
    Column("bundle_id", Text, ForeignKey("bundles.bundle_id"), nullable=False),
    Column("t_pass", Float),
    Column("t_fail", Float),
    Index("decisions_by_inspection", "inspection_id", "id"),
    sqlite_autoincrement=True,
)


def create_tables(connection: Connection) -> None:
    """Make every table and trigger, and mark the file as a store of this version."""
    tables.create_all(connection)
    for table in IMMUTABLE_TABLES:
        for statement in _immutable(table):
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _immutable(table: str) -> list[str]:
    """Triggers that refuse change and removal, also by INSERT OR REPLACE, from any program."""
    key = "bundle_id" if table == "bundles" else "id"
    same_row = f"{key} = NEW.{key}"
    if table == "inspections":
        same_row += " OR arrival_key = NEW.arrival_key"
    refuse = f"SELECT RAISE(ABORT, '{table} are immutable')"
    return [
        f"CREATE TRIGGER {table}_refuse_update BEFORE UPDATE ON {table} BEGIN {refuse}; END",
        f"CREATE TRIGGER {table}_refuse_delete BEFORE DELETE ON {table} BEGIN {refuse}; END",
        f"CREATE TRIGGER {table}_refuse_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same_row}) BEGIN {refuse}; END",
    ]
