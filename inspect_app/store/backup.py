"""Copy a store while the line goes on: the database at one moment, then the files it names."""

import os
import shutil
import sqlite3
import uuid
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from inspect_app.store.address import StoreAddress
from inspect_app.store.files import NAMED_FILES
from span_train.contract.errors import StoreError


@dataclass(frozen=True)
class BackupSummary:
    """What was copied: inspections, decisions, files, and files that a row names but are gone."""

    inspections: int
    decisions: int
    files: int
    missing: int


def back_up(address: StoreAddress, out: Path, with_files: bool = True) -> BackupSummary:
    """Copy an SQLite store to OUT and OUT.assets, which is a store as well.

    The key that seals decisions is not copied: keep it in another place.

    Raises:
        StoreError: OUT exists, cannot be written, or the store is on a server.
    """
    if address.file is None:
        raise StoreError(
            f"{address}: lies on a server; back it up with pg_dump, and copy {address.assets}."
        )
    assets = out.with_name(out.name + ".assets")
    for place in (out, assets):
        if place.exists():
            raise StoreError(f"{place}: exists already; give a new name, nothing is written over.")
    draft = out.with_name(f".{out.name}.{uuid.uuid4().hex}")
    try:
        counts, names = _copy_database(address.file, draft)
        copied = _copy_files(address.assets, assets, names) if with_files else 0
        draft.rename(out)
    except (OSError, sqlite3.Error) as problem:
        raise StoreError(f"{out}: cannot be written ({problem}); free space.") from problem
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return BackupSummary(*counts, copied, len(names) - copied if with_files else 0)


def _copy_database(file: Path, draft: Path) -> tuple[tuple[int, int], set[str]]:
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(draft)) as copy:
        source.backup(copy, pages=1024, sleep=0.01)
        (checked,) = copy.execute("PRAGMA quick_check").fetchone()
        if checked != "ok":
            raise StoreError(f"{file}: damaged ({checked}); restore it from an earlier backup.")
        counts = [
            copy.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("inspections", "decisions")
        ]
        names = {name for query in NAMED_FILES for (name,) in copy.execute(query)}
    return (counts[0], counts[1]), names


def _copy_files(source: Path, target: Path, names: set[str]) -> int:
    copied = 0
    for name in sorted(names):
        if not (source / name).resolve().is_relative_to(source.resolve()):
            raise StoreError(f"{name}: leads outside {source}; the store was tampered with.")
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            shutil.copy2(source / name, place)
            with place.open("rb") as file:
                os.fsync(file.fileno())
            copied += 1
    return copied
