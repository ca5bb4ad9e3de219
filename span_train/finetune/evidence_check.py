"""Check on defective test images that the patches with the most evidence are those that matter.

Patches are removed by evidence, at random, and as plain attention rollout suggests; z must fall
furthest by evidence (DESIGN.md, section 6).
Letters: M images, N patches, S side in pixels.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from span_train.data.cache import image_cache
from span_train.data.splits import LineImages
from span_train.evaluate.deletion import (
    Scores,
    Squares,
    deletion_result,
    random_orders,
    removal_drops,
)
from span_train.finetune.run import TrainedLine
from span_train.finetune.scored import z_of
from span_train.models.rollout import attention_rollout

RANDOM, ROLLOUT = "random patches", "attention rollout"
MOST_IMAGES = 200
_RANDOM_DRAWS = 3
_BATCH = 32


def check_deletion(
    trained: TrainedLine,
    images: LineImages,
    cache: Path,
    score: Callable[[Squares], Scores] | None = None,
) -> dict[str, Any] | None:
    """How far z falls in each order of removal; None where no defective test image is known.

    At most 200 images, the first by path, are looked at.

    Args:
        cache: Folder of the image cache.
        score: z of images, where another program than torch is to be checked.
    """
    good = trained.settings.good_class
    defective = [image for image in images.test if image.label != good][:MOST_IMAGES]
    if not defective:
        return None
    squares = np.array(image_cache([i.path for i in defective], trained.settings.input, cache))
    typical = typical_good_image(trained, images, cache)
    ask = score or (lambda some: z_of(trained.model, some))
    evidence_mn, rollout_mn = _maps(trained, squares)
    draws = random_orders(evidence_mn.shape, _RANDOM_DRAWS, trained.settings.train.seed)
    by_evidence = removal_drops(ask, squares, typical, _largest_first(evidence_mn))
    others = {
        RANDOM: np.mean([removal_drops(ask, squares, typical, one) for one in draws], axis=0),
        ROLLOUT: removal_drops(ask, squares, typical, _largest_first(rollout_mn)),
    }
    return deletion_result(by_evidence, others, [image.group for image in defective])


def typical_good_image(trained: TrainedLine, images: LineImages, cache: Path) -> Squares:
    """(S, S, 3) the mean good training image; without labels the median unlabelled one."""
    settings = trained.settings
    good: Sequence[Path] = [i.path for i in images.train if i.label == settings.good_class]
    squares = image_cache(good or images.unlabelled, settings.input, cache)
    middle = squares.mean(axis=0) if good else np.median(squares, axis=0)
    return np.asarray(middle.round(), np.uint8)


def _maps(trained: TrainedLine, squares: Squares) -> tuple[Scores, Scores]:
    """(M, N) evidence and attention rollout of each patch."""
    evidence, rollout = [], []
    with torch.inference_mode():
        for start in range(0, len(squares), _BATCH):
            some = torch.from_numpy(squares[start : start + _BATCH])
            evidence.append(trained.model(some).evidence[:, 0].flatten(1).double().numpy())
            rollout.append(attention_rollout(trained.model.backbone, some).double().numpy())
    return np.concatenate(evidence), np.concatenate(rollout)


def _largest_first(map_mn: Scores) -> npt.NDArray[np.intp]:
    return np.argsort(-map_mn, axis=1, kind="stable")
