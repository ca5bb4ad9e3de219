"""The tables of the store, as this program reads and writes them.

The steps in `migrations` make them, and the triggers that keep what was once written.
"""

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    false,
    text,
)

SCHEMA_VERSION = "0007"  # the newest step in `migrations`


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
    Column("part_id", Text),
    Column("camera", Text),
    Column("lot", Text),
    Column("line", Text),
    Column("quality", JsonText),
    Column("original_asset", Text),
    Column("blind_review", Boolean, nullable=False, server_default=false()),
    Column("file_time_us", BigInteger),
    Column("adherence", JsonText),
    CheckConstraint(
        "(status = 'ok') = (verdict IS NOT NULL)", name="only_readable_parts_are_judged"
    ),
    Index("inspections_by_verdict", "verdict", "id"),
    Index("inspections_by_status", "status", "id"),
    Index("inspections_by_content", "sha256", "bundle_id", "id"),
    Index(  # all that is counted of a period, so that its wide rows need not be read
        "inspections_by_time", "inspected_at", "id", "verdict", "blind_review", "bundle_id", "line"
    ),
    Index("inspections_by_part", "part_id", "id"),
    Index("inspections_by_bundle", "bundle_id", "id"),
    Index("inspections_by_line", "line", "inspected_at", "id"),
    Index("inspections_by_class", "defect_type", "id"),
    Index(
        "inspections_in_blind_review",
        "id",
        sqlite_where=text("blind_review = 1"),
        postgresql_where=text("blind_review"),
    ),
    sqlite_autoincrement=True,
)

decisions = Table(
    "decisions",
    tables,
    Column("id", Integer, CheckConstraint("id > 0"), primary_key=True, autoincrement=False),
    Column("inspection_id", Integer, ForeignKey("inspections.id"), nullable=False),
    Column("operator", Text, CheckConstraint("length(trim(operator)) > 0"), nullable=False),
    Column(
        "role",
        Text,
        CheckConstraint("role IN ('operator', 'reviewer', 'engineer')"),
        nullable=False,
    ),
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
    Column("original_asset", Text),
    Column("seal", Text, nullable=False),
    Index("decisions_by_inspection", "inspection_id", "id"),
)

# What the store knows about itself: its name, and the seed that chooses passes for blind review.
store_facts = Table(
    "store_facts",
    tables,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("store_id", Text, nullable=False),
    Column("seed", Text, nullable=False),
    Column("blind_review_share", Float, nullable=False),
    Column("made_at", UtcTime, nullable=False),
)

# Which key seals the decisions; one row, written with the first decision.
chain_keys = Table(
    "chain_keys",
    tables,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("key_id", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
)

# Which labels have left the store for a training.
exports = Table(
    "exports",
    tables,
    Column("id", Integer, primary_key=True),
    Column("inspection_id", Integer, ForeignKey("inspections.id"), nullable=False),
    Column("label", Text, nullable=False),
    Column("exported_at", UtcTime, nullable=False),
    Index("exports_by_inspection", "inspection_id", "exported_at"),
    sqlite_autoincrement=True,
)

# Files that retention has removed: a row may name one that is no longer there.
asset_removals = Table(
    "asset_removals",
    tables,
    Column("asset", Text, primary_key=True),
    Column("removed_at", UtcTime, nullable=False),
)

# What is to be told to the plant, in the order in which it came into the store.
outbox = Table(
    "outbox",
    tables,
    Column("id", Integer, primary_key=True),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('inspection', 'decision', 'anchor')"),
        nullable=False,
    ),
    Column("about", Integer, nullable=False),  # the inspection's id, or the decision's
    Column("content", JsonText),  # of an anchor, which no other table keeps
    sqlite_autoincrement=True,
)

# Who is told, and how far that has come; these rows change.
destinations = Table(
    "destinations",
    tables,
    Column("name", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("sent_up_to", Integer, nullable=False),
    Column("sent_at", UtcTime),
    Column("seen_at", UtcTime),
    Column("trouble", Text),
    Column("trouble_since", UtcTime),
)

# Who may sign in at the station; the newest row of a name counts, the others tell what was before.
operators = Table(
    "operators",
    tables,
    Column("id", Integer, primary_key=True),
    Column("name", Text, CheckConstraint("length(trim(name)) > 0"), nullable=False),
    Column("folded", Text, nullable=False),  # one and the same for names that look alike
    Column(
        "role",
        Text,
        CheckConstraint("role IN ('operator', 'reviewer', 'engineer')"),
        nullable=False,
    ),
    Column("is_active", Boolean, nullable=False),
    Column("pin_hash", Text),  # None: no PIN opens the door
    Column("changed_at", UtcTime, nullable=False),
    Column("changed_by", Text, nullable=False),
    Index("operators_by_name", "folded", "id"),
    sqlite_autoincrement=True,
)

# Who asked a watch to go on with another bundle, and why.
bundle_switches = Table(
    "bundle_switches",
    tables,
    Column("id", Integer, primary_key=True),
    Column("feed", Text, nullable=False),  # which watch: the name of its heartbeat file
    Column("bundle_id", Text, nullable=False),
    Column("bundle", Text, nullable=False),  # name and short id, as people know it
    Column("previous", Text, nullable=False),  # the same of the one that was in use
    Column("operator", Text, CheckConstraint("length(trim(operator)) > 0")),
    Column("role", Text, CheckConstraint("role = 'engineer'"), nullable=False),
    Column("reason", Text, CheckConstraint("length(trim(reason)) > 0")),
    Column("asked_at", UtcTime, nullable=False),
    Index("bundle_switches_by_feed", "feed", "id"),
    sqlite_autoincrement=True,
)

# What the watch answered: it took the bundle, or refused it.
bundle_switch_answers = Table(
    "bundle_switch_answers",
    tables,
    Column("switch_id", Integer, ForeignKey("bundle_switches.id"), primary_key=True),
    Column("outcome", Text, CheckConstraint("outcome IN ('taken', 'refused')"), nullable=False),
    Column("why", Text, nullable=False),
    Column("started_with", Text, nullable=False),  # the bundle that the watch was started with
    Column("answered_at", UtcTime, nullable=False),
)

# Wrong PINs by name; these rows change, and go after a day.
sign_in_tries = Table(
    "sign_in_tries",
    tables,
    Column("name_key", Text, primary_key=True),
    Column("wrong", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("locked_until", UtcTime),
)
