"""Recognise how a folder of images is sorted: MVTec's way, one folder a class, or a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from span_train.data.labels import class_folders

_TABLES = ("labels.csv", "labels.jsonl")


@dataclass(frozen=True)
class Sorted:
    """Where the images to learn from and the labels lie.

    Attributes:
        images: Folders of images.
        labels: A table, or a folder of classes; None where no labels were recognised.
        remark: What was recognised, or nothing.
    """

    images: tuple[Path, ...]
    labels: Path | None = None
    remark: str = ""


def recognise(folders: Sequence[Path], good_class: str) -> Sorted:
    """What one folder holds; several folders, and one of no known kind, are images alone."""
    images = tuple(folders)
    if len(images) != 1 or not images[0].is_dir():
        return Sorted(images)
    top = images[0]
    for table in (top / name for name in _TABLES):
        if table.is_file():
            return Sorted(images, table, f"{table} is taken as the labels")
    classes = class_folders(top)
    names = sorted({folder.name for folder in classes})
    if good_class not in names or len(names) < 2:
        return Sorted(images)
    told = f"{top} is sorted by class ({', '.join(names)}), and taken as the labels"
    training = tuple(folder for folder in classes if folder.parent.name == "train")
    if training and top / "train" in {folder.parent for folder in training}:
        return Sorted(
            training,
            top,
            f"{told}; its train and test are dealt out anew, as thresholds need defective parts "
            "of their own; give a table with a split column to keep them",
        )
    return Sorted(images, top, told)
