"""Score the fixed test images of a line, over budgets of labels and draws of them.

Letters: U images that statistics come from, M labelled ones, T test images, J pooled features.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from budget_jobs import DRAWS, LABELS
from paired_auroc import auroc
from supervised_only import Plan, scores, teach

from span_train.contract.settings import LineSettings
from span_train.data.cache import image_cache
from span_train.data.labels import LabelledImage
from span_train.data.splits import LineImages
from span_train.finetune.label_budget import drawn_labels, features_of, scores_of_draw
from span_train.pretrained import PretrainedLine

_DIGITS = 4
Rows = dict[str, list[list[float]]]


def measure_head(
    settings: LineSettings, pretrained: PretrainedLine, images: LineImages, cache: Path
) -> dict[str, Any]:
    """z of every test image by the product's head: a list a draw, by number of labels a class."""
    if not settings.train.blocks:
        settings = _with_block(settings, pretrained.backbone.middle)
    began = time.process_time()
    seen = features_of(settings, pretrained.backbone, pretrained.layout, images, cache)
    z: Rows = {"0": [_rounded(scores_of_draw(seen, 0, 0, settings))]}
    for labels in affordable(seen.defective_m):
        z[str(labels)] = [
            _rounded(scores_of_draw(seen, labels, draw, settings)) for draw in range(DRAWS)
        ]
    cost = {"head_cpu_minutes": round((time.process_time() - began) / 60, 2)}
    return {"blocks": list(settings.train.blocks), **cost, "z": z}


def at_best_block(
    settings: LineSettings, pretrained: PretrainedLine, images: LineImages, cache: Path
) -> LineSettings:
    """With the block whose outlier score ranks the labelled training images best."""
    found: dict[int, float] = {}
    for block in range(1, pretrained.backbone.depth + 1):
        tried = _with_block(settings, block)
        seen = features_of(tried, pretrained.backbone, pretrained.layout, images, cache)
        found[block] = auroc(seen.train_mj[:, 0], seen.defective_m)
    return _with_block(settings, max(found, key=lambda block: found[block]))


def measure_supervised(
    settings: LineSettings, images: LineImages, plan: Plan, draws: int, cache: Path
) -> dict[str, Any]:
    """z of every test image by a network that labels alone have taught, on the same draws."""
    squares_m, squares_t = (
        image_cache([image.path for image in some], settings.input, cache)
        for some in (images.train, images.test)
    )
    defective_m = truth_of(images.train, settings)
    z: Rows = {}
    losses: dict[str, list[float]] = {}
    for labels in affordable(defective_m):
        z[str(labels)], losses[str(labels)] = [], []
        for draw in range(draws):
            chosen = drawn_labels(defective_m, labels, (settings.train.seed, draw))
            model, loss = teach(settings, squares_m[chosen], defective_m[chosen], draw, plan)
            z[str(labels)].append(_rounded(scores(model, squares_t)))
            losses[str(labels)].append(round(loss, _DIGITS))
    return {"supervised": asdict(plan), "last_loss": losses, "z": z}


def affordable(defective_m: npt.NDArray[np.bool_]) -> list[int]:
    """The budgets for which there are enough labels of both classes."""
    most = min(defective_m.sum(), (~defective_m).sum())
    return [labels for labels in LABELS if labels <= most]


def truth_of(images: Sequence[LabelledImage], settings: LineSettings) -> npt.NDArray[np.bool_]:
    """Which images are defective."""
    return np.array([image.label != settings.good_class for image in images], bool)


def _with_block(settings: LineSettings, block: int) -> LineSettings:
    train = settings.train.model_copy(update={"blocks": (block,)})
    return settings.model_copy(update={"train": train})


def _rounded(z: npt.NDArray[np.float64]) -> list[float]:
    return [round(float(one), _DIGITS) for one in z]
