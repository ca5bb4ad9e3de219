"""The lines of the label-budget study: a test split that stays, and many labels to draw from.

A line of the demo has 20 labels a class to learn from. Here every image that takes no part in
calibration or test and whose class is clear may be drawn as a label, so that 80 of a class can be.
"""

import csv
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from budget_jobs import LineName
from rows_of_json import write_rows

from span_train.contract.errors import InputError
from span_train.data.catalog import content_hash
from span_train.data.demo_data import ELPV_SIZES, elpv_line
from span_train.data.elpv import Cell, all_cells, mono_cells, near_duplicates, read_grey
from span_train.data.labels import SplitName

_SEED = 0
_ALL_SIZES: dict[SplitName, tuple[int, int]] = {"test": (300, 240)}
_CLASSES = {0.0: "good", 1.0: "defective"}
_PARTS_LINE: dict[str, Any] = {
    "images": ["images"],
    "labels": "labels.csv",
    "layout": {"source": "statistics", "parts": 4},
}


def line_of(name: LineName, folder: Path, data: Path) -> Path:
    """The line.yaml of a line, laid out in the folder if it is not there.

    `mono` has the demo's own calibration and test split, the others a test split alone.

    Args:
        name: Of the line.
        folder: Of all lines.
        data: Holds `casting` and `metal_nut`; cells come from their package.

    Raises:
        InputError: Images are missing.
    """
    line = folder / name / "line.yaml"
    if not line.is_file():
        unfinished = folder / f"{name}.partial"
        shutil.rmtree(unfinished, ignore_errors=True)
        if name in ("mono", "all"):
            _lay_out_cells(name, unfinished)
        else:
            _lay_out_parts(name, unfinished, data / name)
        unfinished.rename(line.parent)
    return line


def _lay_out_cells(name: LineName, folder: Path) -> None:
    mono = name == "mono"
    cells, sizes = (mono_cells(), ELPV_SIZES) if mono else (all_cells(), _ALL_SIZES)
    elpv_line(folder, _SEED, cells, sizes)
    _label_the_rest(folder, cells)


def _lay_out_parts(name: LineName, folder: Path, data: Path) -> None:
    """Castings as they were divided, one in five defective in training; nuts dealt out by seed."""
    if not data.is_dir():
        raise InputError(f"{data}: no images; give the folder that holds `{name}` with --data.")
    random = np.random.default_rng(_SEED)
    if name == "casting":
        tested = _images(data / "test")
        trained = _without_copies(_images(data / "train"), tested)
        some = random.permutation(len(trained["defective"]))[: len(trained["good"]) // 4]
        trained["defective"] = [trained["defective"][place] for place in sorted(some)]
    else:
        trained, tested = {}, {}
        for label, paths in _images(data).items():
            order = [paths[place] for place in random.permutation(len(paths))]
            tested[label], trained[label] = order[: len(order) // 2], order[len(order) // 2 :]
    (folder / "images").mkdir(parents=True)
    rows = [
        {"image_path": _linked(path, folder), "label": label, "group": "", "split": split}
        for split, images in (("train", trained), ("test", tested))
        for label, paths in images.items()
        for path in paths
    ]
    _write(folder / "labels.csv", rows)
    frame = {} if name == "casting" else {"align": "ecc", "reference": rows[0]["image_path"]}
    write_rows(folder / "line.yaml", {"name": name, **_PARTS_LINE, "input": frame})  # JSON is YAML


def _without_copies(
    trained: Mapping[str, Sequence[Path]], tested: Mapping[str, Sequence[Path]]
) -> dict[str, list[Path]]:
    """Training images that are no test image's file once more; the product would refuse them."""
    held = {content_hash(path) for paths in tested.values() for path in paths}
    return {
        label: [path for path in paths if content_hash(path) not in held]
        for label, paths in trained.items()
    }


def _linked(image: Path, folder: Path) -> str:
    """A link in the line's images, under a name that tells where the image came from."""
    place = f"images/{'_'.join(image.parts[-3:])}"
    (folder / place).symlink_to(image.resolve())
    return place


def _images(folder: Path) -> dict[str, list[Path]]:
    """Good images, and those of all other folders, in order."""
    every = sorted(path for path in folder.rglob("*") if path.suffix in {".jpeg", ".jpg", ".png"})
    return {
        label: [path for path in every if (path.parent.name == "good") == (label == "good")]
        for label in ("good", "defective")
    }


def _label_the_rest(folder: Path, cells: Sequence[Cell]) -> None:
    """Give every clear cell that has no label yet its own, for training."""
    table = folder / "labels.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labelled = {row["image_path"] for row in rows}
    groups = near_duplicates([read_grey(cell.path) for cell in cells])
    for cell, group in zip(cells, groups, strict=True):
        place = f"images/{cell.path.name}"
        if place in labelled or cell.grade not in _CLASSES or not (folder / place).is_file():
            continue
        rows.append(
            {
                "image_path": place,
                "label": _CLASSES[cell.grade],
                "group": f"alike_{group:04d}",
                "split": "train",
            }
        )
    _write(table, rows)


def _write(table: Path, rows: Sequence[Mapping[str, str]]) -> None:
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
