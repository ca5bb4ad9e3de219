"""Keep with a training run which image took part in what, so that a later test can be trusted."""

from dataclasses import dataclass
from pathlib import Path

from span_train.data.labels import SPLIT_NAMES
from span_train.data.splits import LineImages
from span_train.storage.run_folder import read_json, write_json

_FILE = "images.json"


@dataclass(frozen=True)
class ImageRoles:
    """sha256 of images, by what they were used for.

    Attributes:
        learnt: In pretraining, statistics or the training of the head.
        calibration: For choosing thresholds.
        groups: Names of the physical parts among both, where known.
    """

    learnt: frozenset[str]
    calibration: frozenset[str]
    groups: frozenset[str] = frozenset()


def save_roles(run: Path, images: LineImages, pretraining: frozenset[str]) -> None:
    """Write `images.json`: every labelled image with its split, and what was learnt from.

    Args:
        pretraining: sha256 of the images that the backbone learnt from.
    """
    splits = {
        split: [
            {
                "path": str(image.path),
                "sha256": images.hashes[image.path],
                "label": image.label,
                "group": image.group,
            }
            for image in getattr(images, split)
        ]
        for split in SPLIT_NAMES
    }
    unlabelled = {images.hashes[path] for path in images.unlabelled}
    write_json(run / _FILE, {"splits": splits, "unlabelled": sorted(unlabelled | pretraining)})


def load_roles(run: Path) -> ImageRoles | None:
    """What `save_roles` wrote; None where the run has none.

    Raises:
        RunError: The file is damaged.
    """
    if not (run / _FILE).is_file():
        return None
    kept = read_json(run / _FILE)
    splits = kept["splits"]
    of = {name: frozenset(each["sha256"] for each in rows) for name, rows in splits.items()}
    used = [each["group"] for name in ("train", "calibration") for each in splits[name]]
    groups = frozenset(group for group in used if group is not None)
    return ImageRoles(frozenset(kept["unlabelled"]) | of["train"], of["calibration"], groups)
