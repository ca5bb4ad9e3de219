"""Show how good the verdict's score gets with few labels: the head fitted again and again on some.

The network looks at every image once. For each budget and seed, that many labelled images a class
are drawn from the training split, the head is weighed on them, and the test split is ranked. What
is usual is learnt from all images without hearing any label, once for all budgets: `inspect train`
hears them all, which would be more than a budget has.
Letters: U unlabelled images, M labelled training images, T test images, J pooled features.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from span_train.contract.errors import RunError
from span_train.contract.layout import Layout
from span_train.contract.settings import LineSettings
from span_train.data.labels import LabelledImage
from span_train.data.splits import LineImages
from span_train.evaluate.intervals import mean_ranking, rank_intervals
from span_train.evaluate.metrics import scored_parts
from span_train.finetune.fit_head import empty_head, fit_statistics, tied, token_features
from span_train.finetune.looked import Looked
from span_train.finetune.run import TrainedLine
from span_train.finetune.shrunk_fit import Array, fit_shrunk
from span_train.models.backbone import Backbone

_RESAMPLES = 500


@dataclass(frozen=True)
class Budgets:
    """How many labels a class to try, and how many draws of each."""

    labels: tuple[int, ...]
    seeds: int = 5


@dataclass(frozen=True)
class SeenFeatures:
    """What the head's features say about every image, computed once.

    Attributes:
        unlabelled_uj, train_mj, test_tj: Features, the outlier score first.
        defective_m, defective_t: Truth.
        test_groups: The physical part of each test image, where known.
        tokens: Features that share one unit of prior variance.
    """

    unlabelled_uj: Array
    train_mj: Array
    test_tj: Array
    defective_m: npt.NDArray[np.bool_]
    defective_t: npt.NDArray[np.bool_]
    test_groups: tuple[str | None, ...]
    tokens: slice


def see_features(trained: TrainedLine, images: LineImages, cache: Path) -> SeenFeatures:
    """Look at the unlabelled, training and test images with a trained line's network.

    Args:
        cache: Folder of the image cache.

    Raises:
        RunError: The network was tuned on all labels, so none of them is new to it.
    """
    if trained.summary.get("finetune", {}).get("epochs"):
        raise RunError(
            "the network of this run was fine-tuned on all training labels, so a curve over fewer "
            "would flatter; train with train.finetune=never to see it."
        )
    return features_of(trained.settings, trained.model.backbone, trained.layout, images, cache)


def features_of(
    settings: LineSettings, backbone: Backbone, layout: Layout, images: LineImages, cache: Path
) -> SeenFeatures:
    """The same with any network.

    Raises:
        InputError: Too few images.
    """
    labelled = [image.path for image in images.train]
    paths = tuple(dict.fromkeys([*images.unlabelled, *labelled]))
    usual = Looked(backbone, settings, paths, cache)
    deviation, kept = fit_statistics(settings, usual)
    head = empty_head(settings, layout, backbone, deviation, 1)
    unlabelled_uj = tied(usual.pooled(head, usual.learnt_in(usual, kept)), head)
    row_of = {path: row for row, path in enumerate(paths)}
    tested = Looked(backbone, settings, [image.path for image in images.test], cache)
    return SeenFeatures(
        unlabelled_uj=unlabelled_uj,
        train_mj=unlabelled_uj[[row_of[path] for path in labelled]],
        test_tj=tied(tested.pooled(head), head),
        defective_m=_defective(images.train, settings),
        defective_t=_defective(images.test, settings),
        test_groups=tuple(image.group for image in images.test),
        tokens=token_features(head),
    )


def label_budget_curve(
    seen: SeenFeatures, budgets: Budgets, settings: LineSettings
) -> dict[str, Any]:
    """AUROC and average precision of z on the test parts, by number of labels a class.

    Budget 0, the outlier score alone, always stands beside the others. Intervals of a seed are over
    test parts; those of a budget are over test parts and draws of labels, both drawn again.

    Returns:
        Plain JSON values: `budgets` by number of labels, `seeds`, and `left_out`: the budgets for
        which the training split has too few labels of a class.
    """
    most = int(min(seen.defective_m.sum(), (~seen.defective_m).sum()))
    asked = sorted(set(budgets.labels) - {0})
    confidence = settings.goals.confidence
    curve = {"0": _point(seen, [scores_of_draw(seen, 0, 0, settings)], confidence)}
    for labels in asked:
        if labels <= most:
            scores = [scores_of_draw(seen, labels, seed, settings) for seed in range(budgets.seeds)]
            curve[str(labels)] = _point(seen, scores, confidence)
    return {
        "budgets": curve,
        "seeds": budgets.seeds,
        "labels_a_class": most,
        "left_out": [labels for labels in asked if labels > most],
    }


def _defective(images: Sequence[LabelledImage], settings: LineSettings) -> npt.NDArray[np.bool_]:
    return np.array([image.label != settings.good_class for image in images], bool)


def drawn_labels(
    defective_m: npt.NDArray[np.bool_], labels: int, key: Sequence[int]
) -> npt.NDArray[np.intp]:
    """Places of `labels` images of each class; a larger draw of one key holds the smaller."""
    random = np.random.default_rng(list(key))
    return np.concatenate(
        [
            random.permutation(np.flatnonzero(defective_m == defective))[:labels]
            for defective in (False, True)
        ]
    )


def scores_of_draw(seen: SeenFeatures, labels: int, seed: int, settings: LineSettings) -> Array:
    """z of the test images, fitted on a draw of `labels` images a class; 0 is the outlier score."""
    asked = settings.train
    chosen = drawn_labels(seen.defective_m, labels, (asked.seed, seed))
    score = fit_shrunk(
        seen.train_mj[chosen],
        seen.defective_m[chosen],
        seen.unlabelled_uj,
        [seen.tokens],
        asked.strengths,
        asked.folds,
        asked.seed,
    )
    return np.asarray(seen.test_tj @ score.weight + score.bias, np.float64)


def _point(seen: SeenFeatures, scores: Sequence[Array], confidence: float) -> dict[str, Any]:
    runs = [_by_part(seen, z) for z in scores]
    mean = mean_ranking(runs, confidence=confidence, resamples=_RESAMPLES)
    each = [rank_intervals(*run, confidence=confidence, resamples=_RESAMPLES) for run in runs]
    return {
        "auroc": _measure(mean.auroc, mean.auroc_interval, confidence),
        "average_precision": _measure(
            mean.average_precision, mean.average_precision_interval, confidence
        ),
        "by_seed": [
            {
                "auroc": _measure(one.auroc, one.auroc_interval, confidence),
                "average_precision": _measure(
                    one.average_precision, one.average_precision_interval, confidence
                ),
            }
            for one in each
        ],
    }


def _by_part(seen: SeenFeatures, z: Array) -> tuple[Array, Array]:
    """z of good and of defective test parts, each by its worst image."""
    unjudged = ["recheck"] * len(z)
    parts = scored_parts(z, seen.defective_t, unjudged, None, seen.test_groups)
    return parts.z_p[~parts.defective_p], parts.z_p[parts.defective_p]


def _measure(
    value: float | None, interval: tuple[float, float] | None, confidence: float
) -> dict[str, Any]:
    ends = [0.0, 1.0] if interval is None else list(interval)
    return {"value": value, "interval": ends, "confidence": confidence}
