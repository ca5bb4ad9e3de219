"""Read which images are good and which are defective, from a CSV or from one folder a class."""

import csv
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from span_train.contract.errors import ImageError, LabelError
from span_train.data.catalog import content_hash, find_images

SplitName = Literal["train", "calibration", "test"]
SPLIT_NAMES: tuple[SplitName, ...] = get_args(SplitName)
_NEEDED = ("image_path", "label")
_KNOWN = (*_NEEDED, "group", "split")
_MOST_LISTED = 10


@dataclass(frozen=True)
class LabelledImage:
    """One image with its class.

    Attributes:
        path: The image file.
        label: Its class; the line's good class, or a defect type.
        group: What names the physical part, where known: its images stay in one split.
        split: Where the labels put it, or None where the line's settings divide.
    """

    path: Path
    label: str
    group: str | None = None
    split: SplitName | None = None


def read_labels(source: Path, good_class: str) -> tuple[LabelledImage, ...]:
    """Read labels, sorted by path; an image given twice with the same label counts once.

    Args:
        source: A CSV with the columns image_path, label and, if wanted, group and split (paths
            start at the CSV's folder), or a folder with one folder a class.
        good_class: The class of good parts; all others are defects.

    Raises:
        LabelError: A file is missing, one image has two labels, a column or split is unknown, or
            no image has the good class.
    """
    if source.is_dir():
        labelled = _from_folder(source)
    elif source.is_file():
        labelled = _from_csv(source)
    else:
        raise LabelError(
            f"{source}: does not exist; give a CSV or a folder with one folder a class."
        )
    once = _once_each(source, labelled)
    _check_contents(source, once)
    _check_good_class(source, once, good_class)
    return once


def listed(lines: Iterable[object]) -> str:
    """Up to ten lines, indented, and how many more there are."""
    every = [str(line) for line in lines]
    more = len(every) - _MOST_LISTED
    tail = [f"and {more} more"] if more > 0 else []
    return "".join(f"\n  {line}" for line in every[:_MOST_LISTED] + tail)


def _from_folder(source: Path) -> list[LabelledImage]:
    classes = sorted(
        folder for folder in source.iterdir() if folder.is_dir() and not folder.name.startswith(".")
    )
    if not classes:
        raise LabelError(f"{source}: holds no folder; expected one folder a class.")
    return [
        LabelledImage(path, folder.name) for folder in classes for path in find_images((folder,))
    ]


def _from_csv(source: Path) -> list[LabelledImage]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            _check_columns(source, reader.fieldnames or ())
            rows = [_row(source, reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise LabelError(f"{source}: is no readable CSV ({problem}).") from None
    if not rows:
        raise LabelError(f"{source}: holds no row; expected one image a row.")
    missing = [image.path for image in rows if not image.path.is_file()]
    if missing:
        raise LabelError(
            f"{source}: {len(missing)} of {len(rows)} images do not exist; paths start at "
            f"{source.parent}:{listed(missing)}"
        )
    return rows


def _check_columns(source: Path, columns: Sequence[str]) -> None:
    missing = [name for name in _NEEDED if name not in columns]
    unknown = [name for name in columns if name not in _KNOWN]
    if missing or unknown or len(set(columns)) < len(columns):
        raise LabelError(
            f"{source}: found the columns {', '.join(columns) or 'none'}; expected image_path and "
            "label, and if wanted group and split, each once."
        )


def _row(source: Path, line: int, row: dict[str | None, str | None]) -> LabelledImage:
    where = f"{source}, line {line}"
    if None in row or None in row.values():
        raise LabelError(f"{where}: found more or fewer cells than columns.")
    cells = {name: (text or "").strip() for name, text in row.items()}
    if not cells["image_path"] or not cells["label"]:
        raise LabelError(f"{where}: image_path or label is empty; fill it or remove the row.")
    split = cells.get("split") or None
    known: SplitName | None = next((name for name in SPLIT_NAMES if name == split), None)
    if split is not None and known is None:
        near = difflib.get_close_matches(split, SPLIT_NAMES, n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        raise LabelError(f"{where}: split {split!r}, expected {', '.join(SPLIT_NAMES)}{hint}")
    path = source.parent / cells["image_path"]
    return LabelledImage(path, cells["label"], cells.get("group") or None, known)


def _once_each(source: Path, labelled: Sequence[LabelledImage]) -> tuple[LabelledImage, ...]:
    first: dict[Path, LabelledImage] = {}
    clashes = []
    for image in labelled:
        earlier = first.setdefault(image.path.resolve(), image)
        if (earlier.label, earlier.group, earlier.split) != (image.label, image.group, image.split):
            clashes.append(f"{image.path}: {_said(earlier)} and {_said(image)}")
    if clashes:
        raise LabelError(
            f"{source}: {len(clashes)} images are given twice and differently; keep one row each:"
            + listed(clashes)
        )
    return tuple(sorted(first.values(), key=lambda image: image.path))


def _said(image: LabelledImage) -> str:
    return " ".join(filter(None, (image.label, image.group, image.split)))


def _check_contents(source: Path, labelled: Sequence[LabelledImage]) -> None:
    first: dict[str, LabelledImage] = {}
    clashes = []
    for image in labelled:
        try:
            earlier = first.setdefault(content_hash(image.path), image)
        except ImageError:
            continue  # listed as unreadable where images are gathered
        if earlier.label != image.label:
            clashes.append(
                f"{earlier.path} ({earlier.label}) and {image.path} ({image.label}) are equal"
            )
    if clashes:
        raise LabelError(
            f"{source}: {len(clashes)} images have two labels; keep one of them:{listed(clashes)}"
        )


def _check_good_class(source: Path, labelled: Sequence[LabelledImage], good_class: str) -> None:
    classes = sorted({image.label for image in labelled})
    if good_class not in classes:
        raise LabelError(
            f"{source}: found the classes {', '.join(classes)}, but none is the good class "
            f"`{good_class}`; set good_class to the one of good parts."
        )
