"""Retention: remove files that no record needs any more, and never one that a decision needs."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, select, union_all

from inspect_app.store.assets import Assets
from inspect_app.store.database import Database
from inspect_app.store.files import NAMED_FILES
from inspect_app.store.schema import asset_removals, decisions, exports, inspections

_FILES_AT_A_TIME = 500
_OWN_FOLDER = re.compile("[0-9a-f]{2}|originals|layouts")
_DRAFTS_MAY_TAKE = timedelta(days=1)  # a writer's files lie there before their row does


@dataclass(frozen=True)
class CleanSummary:
    """What was removed, or would be.

    Attributes:
        files: Files that rows name: pictures, maps and originals.
        unnamed: Files that no row names, left by programs that were killed.
        freed_bytes: Of both.
    """

    files: int
    unnamed: int
    freed_bytes: int


def clean(
    database: Database, assets: Assets, now: datetime, keep: timedelta, only_count: bool = False
) -> CleanSummary:
    """Remove picture and maps of old passes, and originals whose label was exported.

    Kept whatever their age: all of a part that somebody has decided on, except its original once
    it was exported; all of rechecks, fails and passes chosen for blind review.

    Args:
        keep: How long an inspection's files, or an exported original, stay.
        only_count: Remove nothing.

    Raises:
        StoreError: The database refuses.
    """
    names = _no_longer_needed(database, now - keep)
    if only_count:
        freed, files = sum(_size(assets.folder / name) for name in names), len(names)
    else:
        files, freed = _remove_named(database, assets, now, now - keep, names)
    unnamed = list(_unnamed(database, assets.folder, now - _DRAFTS_MAY_TAKE))
    freed += sum(_size(path) for path in unnamed)
    if not only_count:
        for path in unnamed:
            path.unlink(missing_ok=True)
    return CleanSummary(files, len(unnamed), freed)


def _no_longer_needed(database: Database, before: datetime) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(_removable(before)).scalars())


def _remove_named(
    database: Database, assets: Assets, now: datetime, before: datetime, names: list[str]
) -> tuple[int, int]:
    """The row that says so comes first: a file is missed by nobody who reads the store."""
    files = freed = 0
    for start in range(0, len(names), _FILES_AT_A_TIME):
        with database.writing(decisions) as connection:
            some = _still_removable(connection, before, names[start : start + _FILES_AT_A_TIME])
            if some:
                rows = [{"asset": name, "removed_at": now} for name in some]
                connection.execute(insert(asset_removals), rows)
        freed += sum(_size(assets.folder / name) for name in some)
        for name in some:
            (assets.folder / name).unlink(missing_ok=True)
        files += len(some)
    return files, freed


def _still_removable(connection: Connection, before: datetime, names: list[str]) -> list[str]:
    """Somebody may have decided on one in the meantime."""
    found = _removable(before).subquery()
    return list(connection.execute(select(found.c.asset).where(found.c.asset.in_(names))).scalars())


def _removable(before: datetime) -> Select[Any]:
    old_pass = and_(
        inspections.c.verdict == "pass",
        ~inspections.c.blind_review,
        inspections.c.inspected_at < before,
        ~select(decisions.c.id).where(decisions.c.inspection_id == inspections.c.id).exists(),
    )
    exported = _exported_since_decided(before)
    of_decision = select(decisions.c.original_asset).join(
        inspections, inspections.c.id == decisions.c.inspection_id
    )
    every = union_all(
        select(inspections.c.picture_asset.label("asset")).where(old_pass),
        select(inspections.c.maps_asset).where(old_pass),
        select(inspections.c.original_asset).where(exported),
        of_decision.where(exported),
    ).subquery()
    gone = select(asset_removals.c.asset).where(asset_removals.c.asset == every.c.asset).exists()
    return select(every.c.asset).where(every.c.asset.is_not(None), ~gone).distinct()


def _exported_since_decided(before: datetime) -> ColumnElement[bool]:
    said = decisions.alias()
    last = select(func.max(said.c.decided_at)).where(
        said.c.inspection_id == exports.c.inspection_id
    )
    return (
        select(exports.c.id)
        .where(
            exports.c.inspection_id == inspections.c.id,
            exports.c.exported_at < before,
            exports.c.exported_at > last.correlate(exports).scalar_subquery(),
        )
        .correlate(inspections)
        .exists()
    )


def _unnamed(database: Database, folder: Path, before: datetime) -> Iterator[Path]:
    with database.reading() as connection:
        named = {name for query in NAMED_FILES for (name,) in connection.exec_driver_sql(query)}
    own = (part for part in folder.glob("*") if _OWN_FOLDER.fullmatch(part.name))
    for part in own:  # others' files in the folder, such as heartbeats, are not the store's
        for root, _, files in os.walk(part):
            for file in files:
                path = Path(root) / file
                old = path.lstat().st_mtime < before.timestamp()
                if old and path.relative_to(folder).as_posix() not in named:
                    yield path


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
