"""Turn decisions into labels.csv and the original images, as `inspect train` takes them."""

import csv
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from inspect_app.store.assets import Assets
from inspect_app.store.database import Database
from inspect_app.store.decided import DecidedImage, Opinion, class_of, equal_content
from inspect_app.store.pictures import LONGEST_SIDE_PX
from inspect_app.store.schema import bundles, decisions, exports, inspections
from span_train.contract.errors import StoreError

_PART = ("id", "file_name", "source", "sha256", "part_id", "verdict", "defect_type")
_FILES = ("original_asset", "picture_asset", "geometry")


@dataclass
class LabelsSummary:
    """What was written.

    Attributes:
        classes: How many images of each class.
        conflicts: Images whose operators disagree.
        missing: Decided images whose original is not in the store.
        still_open: Images whose last decision is `recheck`.
    """

    classes: Counter[str] = field(default_factory=Counter)
    conflicts: int = 0
    missing: int = 0
    still_open: int = 0


def export_labels(database: Database, assets: Assets, out: Path) -> LabelsSummary:
    """Write OUT/labels.csv, OUT/images, OUT/conflicts.csv and OUT/missing.csv, all or nothing.

    Equal images count once; where their decisions differ, all of them are conflicts.

    Raises:
        StoreError: OUT exists, or cannot be written, or nothing is decided.
    """
    if out.exists():
        raise StoreError(f"{out}: exists already; give a new folder, nothing is written over.")
    with database.reading() as connection:
        images, classes = _decided(connection), _classes(connection)
    if not images:
        raise StoreError(f"{database.address}: holds no decision; there is nothing to learn yet.")
    draft = out.with_name(f".{out.name}.{uuid.uuid4().hex}")
    try:
        (draft / "images").mkdir(parents=True)
        export = _Export(draft, assets, classes)
        for same in equal_content(images):
            export.take(same)
        export.write()
        draft.rename(out)
    except OSError as problem:
        raise StoreError(f"{out}: cannot be written ({problem}); free space.") from problem
    finally:
        with suppress(OSError):
            shutil.rmtree(draft, ignore_errors=True)
    _remember(database, export.exported)
    return export.summary


class _Export:
    """Sorts images into labels, conflicts and missing ones, and copies the originals."""

    def __init__(self, folder: Path, assets: Assets, classes: Sequence[str]) -> None:
        self.summary = LabelsSummary()
        self.exported: list[tuple[int, str]] = []
        self._folder, self._assets, self._classes = folder, assets, classes
        self._labels: list[tuple[str, str, str]] = []
        self._conflicts: list[tuple[int, str, str, str]] = []
        self._missing: list[tuple[int, str, str]] = []

    def take(self, same: list[DecidedImage]) -> None:
        """Images of equal content: one label, or a conflict of all."""
        agreed = [image.agreed for image in same]
        labels = {
            class_of(opinion, image.part, self._classes)
            for opinion, image in zip(agreed, same, strict=True)
            if opinion is not None
        }
        labels.discard(None)
        if None in agreed or len(labels) > 1:
            self._conflicts += [_conflict(image) for image in same]
            self.summary.conflicts += len(same)
            return
        if not labels:
            self.summary.still_open += len(same)
            return
        (label,) = labels
        assert label is not None, "None was taken out"
        self._copy(same, label)

    def write(self) -> None:
        """Write the three tables."""
        self._table("labels.csv", ("image_path", "label", "group"), self._labels)
        self._table(
            "conflicts.csv", ("inspection_id", "file_name", "part_id", "decisions"), self._conflicts
        )
        self._table("missing.csv", ("inspection_id", "file_name", "source"), self._missing)

    def _copy(self, same: list[DecidedImage], label: str) -> None:
        for image in same:
            name = kept_original(self._assets, image)
            if name is not None:
                break
        else:
            self._missing += [_missing(image) for image in same]
            self.summary.missing += len(same)
            return
        path = f"images/{_file_name(image.part, Path(name).suffix)}"
        (self._folder / path).write_bytes(self._assets.read(name))
        group = next((one.part["part_id"] for one in same if one.part["part_id"]), "")
        self._labels.append((path, label, group))
        self.summary.classes[label] += 1
        self.exported += [(one.part["id"], label) for one in same]

    def _table(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        with (self._folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)


def kept_original(assets: Assets, image: DecidedImage) -> str | None:
    """The file that holds the whole image: the original, or a picture that needed no shrinking."""
    name, picture = image.original_asset, image.part["picture_asset"]
    if name is not None and assets.has(name):
        return name
    geometry = image.part["geometry"] or {}
    whole = max(geometry.get("height_px", 0), geometry.get("width_px", 0)) <= LONGEST_SIDE_PX
    return picture if picture is not None and whole and assets.has(picture) else None


def _decided(connection: Connection) -> list[DecidedImage]:
    columns = [inspections.c[name] for name in (*_PART, *_FILES)]
    said = (decisions.c.operator, decisions.c.role, decisions.c.decision)
    said_why = (decisions.c.reason, decisions.c.original_asset.label("kept_then"))
    query = (
        select(*columns, *said, *said_why)
        .join(inspections, inspections.c.id == decisions.c.inspection_id)
        .where(inspections.c.status == "ok")
        .order_by(decisions.c.id)
    )
    gathered: dict[int, list[Mapping[str, Any]]] = {}
    for row in connection.execute(query):
        gathered.setdefault(row.id, []).append(row._asdict())
    return [_image(rows) for _, rows in sorted(gathered.items())]


def _image(rows: list[Mapping[str, Any]]) -> DecidedImage:
    part = rows[0]
    kept = (row["kept_then"] for row in rows if row["kept_then"])
    opinions = (
        Opinion(row["operator"], row["role"], row["decision"], row["reason"]) for row in rows
    )
    return DecidedImage(part, part["original_asset"] or next(kept, None), tuple(opinions))


def _classes(connection: Connection) -> tuple[str, ...]:
    """Those of the newest bundle, the good class first."""
    query = select(bundles.c.manifest).order_by(bundles.c.registered_at.desc()).limit(1)
    manifest = connection.execute(query).scalar_one()
    return tuple(manifest["classes"])


def _conflict(image: DecidedImage) -> tuple[int, str, str, str]:
    part = image.part
    return part["id"], part["file_name"], part["part_id"] or "", image.told()


def _missing(image: DecidedImage) -> tuple[int, str, str]:
    return image.part["id"], image.part["file_name"], image.part["source"]


def _file_name(part: Mapping[str, Any], suffix: str) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(part["file_name"]).stem)[:80].lstrip(".")
    return f"{part['id']:07d}_{stem or 'image'}{suffix}"


def _remember(database: Database, exported: Sequence[tuple[int, str]]) -> None:
    now = datetime.now(UTC)
    rows = [
        {"inspection_id": part_id, "label": label, "exported_at": now}
        for part_id, label in exported
    ]
    if rows:
        with database.writing(exports) as connection:
            connection.execute(insert(exports), rows)
