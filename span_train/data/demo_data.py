"""Make a whole line to try things on: drawn parts within seconds, or real solar cells."""

import csv
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from span_train.contract.errors import InputError
from span_train.data.drawn_parts import (
    DEFECT_TYPES,
    DefectType,
    draw_exemplar,
    draw_part,
    part_masks,
)
from span_train.data.elpv import (
    Cell,
    Grey,
    cell_parts,
    mono_cells,
    most_typical,
    near_duplicates,
    read_grey,
)
from span_train.data.labels import SplitName

# Cells of each class in each split; the rest of the 1,074 stays unlabelled.
ELPV_SIZES: dict[SplitName, tuple[int, int]] = {
    "test": (150, 120),
    "calibration": (100, 100),
    "train": (20, 20),
}
_LARGEST_GROUP = 8

_DRAWN_YAML = """\
# A drawn electronic part: a line small enough to run through in half a minute.
name: drawn-parts
images: [images]          # all pictures; those of calibration and test are left out of learning
labels: labels.csv        # image_path,label,group,split
good_class: good
layout:
  source: exemplar
  exemplar: exemplar.png
  masks: masks            # body, left_lead, marking, right_lead
input:
  side_px: 64
model:
  patch_px: 8
  width: 96
  depth: 4
  heads: 6
pretrain:
  steps: 150
  batch_size: 32
  checkpoint_every: 50
train:
  blocks: [1, 2]
goals:                    # fixed before any calibration picture is looked at
  escape: 0.10
  overkill: 0.10
  confidence: 0.95
"""

_ELPV_YAML = """\
# Monocrystalline solar cells (elpv-dataset, CC BY-NC-SA 4.0), photographed by electroluminescence.
name: elpv-mono
images: [images]          # all cells; those of calibration and test are left out of learning
labels: labels.csv        # grade 0 is good, grade 1 is defective; cells in between have no label
good_class: good
layout:
  source: exemplar
  exemplar: exemplar.png
  masks: masks            # busbars, edge, lower_area, upper_area
input:
  side_px: 112
pretrain:
  steps: 400              # three minutes on two cores; more steps sharpen the heads
  batch_size: 32
goals:                    # fixed before any calibration picture is looked at
  escape: 0.10
  overkill: 0.10
  confidence: 0.95
"""


@dataclass(frozen=True)
class _Row:
    image_path: str
    label: str
    group: str
    split: SplitName


def draw_line(
    folder: Path,
    seed: int = 0,
    *,
    unlabelled: int = 240,
    train: int = 10,
    calibration: int = 60,
    test: int = 40,
) -> Path:
    """Draw a line of small electronic parts and return its line.yaml.

    Args:
        folder: A new or empty folder; nothing is written outside it.
        seed: The same seed draws the same pixels.
        unlabelled: Pictures without a label; one in ten has a defect.
        train, calibration, test: Good parts, and as many defective ones, in each split.

    Raises:
        InputError: The folder holds files already, or cannot be written to.
    """
    images = _new_images_folder(folder)
    random = np.random.default_rng(seed)
    sizes: dict[SplitName, int] = {"train": train, "calibration": calibration, "test": test}
    rows: list[_Row] = []
    for number in range(unlabelled):
        is_defective = number % 10 == 9
        picture = draw_part(random, _nth_defect(number // 10) if is_defective else None)
        _save(images / f"part_{number:04d}.png", picture)
    for split, count in sizes.items():
        for number in range(2 * count):
            defect = _nth_defect(number // 2) if number % 2 else None
            name = f"part_{unlabelled + len(rows):04d}"
            _save(images / f"{name}.png", draw_part(random, defect))
            rows.append(_Row(f"images/{name}.png", defect or "good", name, split))
    return _finish(folder, draw_exemplar(), part_masks(), rows, _DRAWN_YAML)


def elpv_line(
    folder: Path,
    seed: int = 0,
    cells: Sequence[Cell] | None = None,
    sizes: Mapping[SplitName, tuple[int, int]] = ELPV_SIZES,
) -> Path:
    """Lay out solar cells of elpv-dataset as a line and return its line.yaml.

    Labelled are so many good and defective cells in each split, drawn by the seed; the other cells
    are unlabelled. Cells that look alike share a group, a group lies in one split, and its members
    without a place there are left out.

    Args:
        folder: A new or empty folder.
        seed: The same seed draws the same splits.
        cells: By default the monocrystalline ones.
        sizes: Good and defective cells of each split.

    Raises:
        InputError: The package is missing, or the folder holds files already.
    """
    cells = mono_cells() if cells is None else cells
    greys = [read_grey(cell.path) for cell in cells]
    groups = near_duplicates(greys)
    split_of = _choose_cells(cells, groups, sizes, np.random.default_rng(seed))
    images = _new_images_folder(folder)
    held = {groups[place] for place, split in split_of.items() if split != "train"}
    for place, cell in enumerate(cells):
        if place in split_of or groups[place] not in held:
            shutil.copyfile(cell.path, images / cell.path.name)
    free = [i for i, cell in enumerate(cells) if cell.grade == 0 and i not in split_of]
    exemplar = greys[free[most_typical([greys[place] for place in free])]]
    rows = [
        _Row(
            f"images/{cells[place].path.name}",
            "defective" if cells[place].grade else "good",
            f"alike_{groups[place]:04d}",
            split,
        )
        for place, split in sorted(split_of.items())
    ]
    return _finish(folder, exemplar, cell_parts(exemplar), rows, _ELPV_YAML)


def _nth_defect(number: int) -> DefectType:
    return DEFECT_TYPES[number % len(DEFECT_TYPES)]


def _choose_cells(
    cells: Sequence[Cell],
    groups: Sequence[int],
    sizes: Mapping[SplitName, tuple[int, int]],
    random: np.random.Generator,
) -> dict[int, SplitName]:
    """Fill the splits with whole groups in seeded order; large groups stay unlabelled."""
    members: dict[int, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    wanted = {split: list(size) for split, size in sizes.items()}
    chosen: dict[int, SplitName] = {}
    for group in random.permutation(sorted(members)):
        clear = [place for place in members[group] if cells[place].grade in (0.0, 1.0)]
        if len(members[group]) > _LARGEST_GROUP or not clear:
            continue
        counts = [sum(cells[place].grade == grade for place in clear) for grade in (0.0, 1.0)]
        for split, room in wanted.items():
            if counts[0] <= room[0] and counts[1] <= room[1]:
                room[0] -= counts[0]
                room[1] -= counts[1]
                chosen.update(dict.fromkeys(clear, split))
                break
    return chosen


def _new_images_folder(folder: Path) -> Path:
    try:
        if folder.exists() and any(folder.iterdir()):
            raise InputError(f"{folder}: holds files already; give a new or empty folder.")
        images = folder / "images"
        images.mkdir(parents=True)
        (folder / "masks").mkdir()
    except OSError as problem:
        raise InputError(f"{folder}: cannot be written to ({problem.strerror}).") from None
    return images


def _finish(
    folder: Path,
    exemplar: npt.NDArray[np.uint8],
    masks: Mapping[str, Grey],
    rows: Sequence[_Row],
    settings: str,
) -> Path:
    _save(folder / "exemplar.png", exemplar)
    for name, mask in masks.items():
        _save(folder / "masks" / f"{name}.png", mask)
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("image_path", "label", "group", "split"))
        writer.writerows((row.image_path, row.label, row.group, row.split) for row in rows)
    line = folder / "line.yaml"
    line.write_text(settings, encoding="utf-8")
    return line


def _save(path: Path, pixels: npt.NDArray[np.uint8]) -> None:
    Image.fromarray(pixels).save(path)
