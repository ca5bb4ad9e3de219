"""Read which images are good and which are defective, from a table or from one folder a class."""

import csv
import difflib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from span_train.contract.errors import ImageError, LabelError
from span_train.data.catalog import content_hash, find_images

SplitName = Literal["train", "calibration", "test"]
SPLIT_NAMES: tuple[SplitName, ...] = get_args(SplitName)
_NEEDED = ("image_path", "label")
_KNOWN = (*_NEEDED, "group", "split")
_MOST_LISTED = 10
_JSON_LINES = (".jsonl", ".ndjson")
_Row = Mapping[Any, str | None]


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


def read_labels(
    source: Path, good_class: str, *, images: Path | None = None, known: Collection[str] = ()
) -> tuple[LabelledImage, ...]:
    """Read labels, sorted by path; an image given twice with the same label counts once.

    Args:
        source: What `read_rows` takes.
        good_class: The class of good parts; all others are defects.
        images: What `read_rows` takes.
        known: Classes that are told from the good one already, and the good one: labels of these
            alone are no slip, though the good one be missing.

    Raises:
        LabelError: What `read_rows` refuses; two files of equal content have two labels; no image
            has the good class though a class is not a known one.
    """
    once = read_rows(source, images)
    _check_contents(source, once)
    if not {image.label for image in once} <= set(known):
        check_good_class(source, once, good_class)
    return once


def read_rows(source: Path, images: Path | None = None) -> tuple[LabelledImage, ...]:
    """What the labels say of each image, without a look at the images.

    Args:
        source: A CSV with the columns image_path, label and, if wanted, group and split, or JSON
            lines (.jsonl) with these keys; or a folder with one folder a class, or with `train`
            and `test` that hold one folder a class each, as MVTec has them.
        images: Paths in a file start at this folder where an image lies there, and else at the
            file's own folder.

    Raises:
        LabelError: A file is missing, one image has two labels, or a column or split is unknown.
    """
    if source.is_dir():
        labelled = _from_folder(source)
    elif source.is_file():
        labelled = _from_table(source, images or source.parent)
    else:
        raise LabelError(
            f"{source}: does not exist; give a CSV or a folder with one folder a class."
        )
    return _once_each(source, labelled)


def class_folders(source: Path) -> list[Path]:
    """The folders of the classes: those below a folder, or below its `train` and `test`."""
    folders = _visible(source)
    if {"train", "test"} <= {folder.name for folder in folders}:
        halves = [folder for folder in folders if folder.name in ("train", "test")]
        return [one for folder in halves for one in _visible(folder)]
    return folders


def listed(lines: Iterable[object]) -> str:
    """Up to ten lines, indented, and how many more there are."""
    every = [str(line) for line in lines]
    more = len(every) - _MOST_LISTED
    tail = [f"and {more} more"] if more > 0 else []
    return "".join(f"\n  {line}" for line in every[:_MOST_LISTED] + tail)


def _from_folder(source: Path) -> list[LabelledImage]:
    classes = class_folders(source)
    if not classes:
        raise LabelError(f"{source}: holds no folder; expected one folder a class.")
    return [
        LabelledImage(path, folder.name) for folder in classes for path in find_images((folder,))
    ]


def _visible(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))


def _from_table(source: Path, images: Path) -> list[LabelledImage]:
    is_json = source.suffix.lower() in _JSON_LINES
    read = _json_rows if is_json else _csv_rows
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            rows = [_row(source, images, line, row) for line, row in read(source, file)]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        kind = "JSON lines" if is_json else "CSV"
        raise LabelError(f"{source}: is no readable {kind} ({problem}).") from None
    if not rows:
        raise LabelError(f"{source}: holds no row; expected one image a row.")
    missing = [image.path for image in rows if not image.path.is_file()]
    if missing:
        raise LabelError(
            f"{source}: {len(missing)} of {len(rows)} images do not exist; paths start at "
            f"{source.parent}:{listed(missing)}"
        )
    return rows


def _csv_rows(source: Path, file: Iterable[str]) -> Iterator[tuple[int, _Row]]:
    reader = csv.DictReader(file)
    _check_columns(source, reader.fieldnames or ())
    for row in reader:
        yield reader.line_num, row


def _json_rows(source: Path, file: Iterable[str]) -> Iterator[tuple[int, _Row]]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        where = f"{source}, line {number}"
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as problem:
            raise LabelError(f"{where}: is no JSON ({problem}).") from None
        if not isinstance(found, dict):
            raise LabelError(
                f"{where}: found a {type(found).__name__}, expected an object with image_path and "
                "label."
            )
        _check_columns(where, tuple(found))
        yield number, {key: "" if value is None else str(value) for key, value in found.items()}


def _check_columns(source: Path | str, columns: Sequence[str]) -> None:
    missing = [name for name in _NEEDED if name not in columns]
    unknown = [name for name in columns if name not in _KNOWN]
    if missing or unknown or len(set(columns)) < len(columns):
        raise LabelError(
            f"{source}: found the columns {', '.join(columns) or 'none'}; expected image_path and "
            "label, and if wanted group and split, each once."
        )


def _row(source: Path, images: Path, line: int, row: _Row) -> LabelledImage:
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
    path = images / cells["image_path"]
    path = path if path.is_file() else source.parent / cells["image_path"]
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


def check_good_class(source: Path, labelled: Sequence[LabelledImage], good_class: str) -> None:
    """Make sure that some image is of the good class.

    Raises:
        LabelError: None is.
    """
    classes = sorted({image.label for image in labelled})
    if good_class not in classes:
        raise LabelError(
            f"{source}: found the classes {', '.join(classes)}, but none is the good class "
            f"`{good_class}`; set good_class to the one of good parts."
        )
