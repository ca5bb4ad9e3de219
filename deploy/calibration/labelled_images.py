"""Bring labels, images and physical parts together to calibrate; count what is left out."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deploy.bundle.manifest import Manifest
from deploy.runtime.inspector import Inspector
from deploy.scoring.pipeline import Pace, score_in_order
from span_train.contract.errors import LabelError
from span_train.data.catalog import find_images
from span_train.data.labels import LabelledImage, listed, read_labels
from span_train.data.splits import images_of_parts
from span_train.policy.recalibrate import ImageScores


@dataclass(frozen=True)
class LabelledImages:
    """The labelled images of a folder.

    Attributes:
        images: Those below the folder.
        outside: How many labelled images lie elsewhere; they are left out.
        other_splits: How many the labels put into another split than calibration; likewise.
        unlabelled: How many images of the folder have no label.
    """

    images: tuple[LabelledImage, ...]
    outside: int
    other_splits: int
    unlabelled: int


@dataclass(frozen=True)
class ScoredImages:
    """What a bundle said to them.

    Attributes:
        images: Those that could be read.
        hashes: sha256 of each.
        scores: One entry an image.
        unreadable: (path, reason) of the others.
        mixed_parts: Parts with both a good and a defective image; they count as defective.
    """

    images: tuple[LabelledImage, ...]
    hashes: Mapping[Path, str]
    scores: ImageScores
    unreadable: tuple[tuple[Path, str], ...]
    mixed_parts: int

    def digest(self) -> str:
        """A hash over contents and labels, whatever the files are called."""
        lines = sorted(f"{self.hashes[image.path]} {image.label}" for image in self.images)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def find_labelled(folder: Path, labels: Path, manifest: Manifest) -> LabelledImages:
    """The labelled images below a folder, with the classes of a bundle.

    Args:
        folder: Paths of the labels start here, or else at the labels' own folder.
        labels: A CSV or a folder with one folder a class, as for training.

    Raises:
        InputError: The folder holds no image.
        LabelError: The labels do not fit, contradict each other, or are about other images.
    """
    found = {path.resolve() for path in find_images((folder,))}
    good_class, *defects = manifest.classes
    labelled = read_labels(labels, good_class, images=folder, known=(good_class, *defects))
    inside = tuple(image for image in labelled if image.path.resolve() in found)
    if not inside:
        raise LabelError(
            f"{labels}: none of its {len(labelled)} images lies below {folder}; give the folder "
            "that its paths start at as --images."
        )
    chosen = _of_calibration(inside, labels)
    outside = len(labelled) - len(inside)
    return LabelledImages(chosen, outside, len(inside) - len(chosen), len(found) - len(inside))


def _of_calibration(inside: tuple[LabelledImage, ...], labels: Path) -> tuple[LabelledImage, ...]:
    """Where the labels divide: the calibration images; thresholds are never chosen on a test."""
    if all(image.split is None for image in inside):
        return inside
    chosen = tuple(image for image in inside if image.split == "calibration")
    if not chosen:
        raise LabelError(
            f"{labels}: its split column puts none of {len(inside)} images into calibration; put "
            "new ones there, or remove the column."
        )
    return chosen


def score_labelled(
    inspector: Inspector, images: Sequence[LabelledImage], labels: Path
) -> ScoredImages:
    """Score images as the line does, with the bundle's own graph.

    Raises:
        LabelError: None of them can be read.
    """
    waiting = [(place, str(image.path)) for place, image in enumerate(images)]
    hashes: dict[Path, str] = {}
    said: list[tuple[LabelledImage, float, float]] = []
    unreadable: list[tuple[Path, str]] = []
    with closing(score_in_order(waiting, inspector, Pace.fitting(inspector))) as batches:
        for scored in (one for batch in batches for one in batch):
            image, found = images[scored.position], scored.inspection
            if found is None or scored.row.sha256 is None:
                unreadable.append((image.path, scored.row.reason))
                continue
            hashes[image.path] = scored.row.sha256
            said.append((image, found.z, found.outlier))
    if not said:
        reasons = listed(reason for _, reason in unreadable)
        raise LabelError(f"{labels}: none of its {len(images)} images can be read:{reasons}")
    kept = tuple(image for image, _, _ in said)
    scores, mixed = _by_part(kept, said, hashes, inspector.bundle.manifest.classes[0])
    return ScoredImages(kept, hashes, scores, tuple(unreadable), mixed)


def _by_part(
    kept: Sequence[LabelledImage],
    said: Sequence[tuple[LabelledImage, float, float]],
    hashes: Mapping[Path, str],
    good_class: str,
) -> tuple[ImageScores, int]:
    units = images_of_parts(kept, hashes)
    part_of = {image.path: str(number) for number, unit in enumerate(units) for image in unit}
    mixed = sum(len({image.label == good_class for image in unit}) > 1 for unit in units)
    scores = ImageScores(
        z=np.array([z for _, z, _ in said], np.float64),
        outlier=np.array([outlier for _, _, outlier in said], np.float64),
        defective=np.array([image.label != good_class for image in kept], bool),
        part=tuple(part_of[image.path] for image in kept),
    )
    return scores, mixed
