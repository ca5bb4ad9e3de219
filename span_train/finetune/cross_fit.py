"""Decide by cross-fitting whether tuning the whole network on few labels is better, and how long.

Labelled parts are left out in turn. For each turn the network is tuned on the others, epoch by
epoch; after each, statistics are taken anew from the unlabelled images, the head is fitted again,
and the parts left out are scored. The number of epochs with the least log loss is kept; none is the
head alone.
Letters: M labelled images, U unlabelled ones, J features, E epochs.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.model_selection import StratifiedGroupKFold

from span_train.contract.settings import LineSettings
from span_train.data.cache import image_cache
from span_train.data.part_masks import PartMasks
from span_train.data.splits import LineImages, images_of_parts
from span_train.data.view_geometry import ViewRanges
from span_train.finetune.fit_head import (
    empty_head,
    fit_statistics,
    set_weights,
    tied,
    token_features,
    told_by,
)
from span_train.finetune.looked import Looked
from span_train.finetune.shrunk_fit import Array, fit_shrunk
from span_train.finetune.tuning import LabelledSquares, Tuning, TuningPlan
from span_train.models.backbone import Backbone
from span_train.models.defect_head import DefectHead
from span_train.pretrained import PretrainedLine

Places = npt.NDArray[np.int64]
_NO_SQUARES = np.zeros((0, 1, 1, 3), np.uint8)


@dataclass(frozen=True)
class TunedLine:
    """What came of it.

    Attributes:
        pretrained: With the tuned network, or as it was.
        strength: The shrinkage that the head keeps after tuning, chosen before it; None: choose.
        facts: What was tried and kept, as plain JSON values.
    """

    pretrained: PretrainedLine
    strength: float | None
    facts: dict[str, Any]


def tune_if_better(
    settings: LineSettings,
    pretrained: PretrainedLine,
    images: LineImages,
    statistics: Sequence[Path],
    cache: Path,
) -> TunedLine:
    """Tune a copy of the network on the training labels as `train.finetune` asks.

    Args:
        statistics: The images that the head's statistics come from.
        cache: Folder of the image cache.
    """
    mode = settings.train.finetune
    if mode == "never":
        return TunedLine(pretrained, None, {"asked": mode, "kept": "head alone"})
    bench = _Bench(settings, pretrained, images, statistics, cache)
    folds = bench.folds()
    if not folds:
        why = "tuning needs at least two labelled parts of each class; the head alone is kept"
        return TunedLine(pretrained, None, {"asked": mode, "kept": "head alone", "why": why})
    losses = np.concatenate([bench.held_out_losses(*fold) for fold in folds], axis=1).mean(axis=1)
    epochs = int(losses.argmin()) if mode == "auto" else 1 + int(losses[1:].argmin())
    facts = {
        "asked": mode,
        "kept": "fine-tuned" if epochs else "head alone",
        "epochs": epochs,
        "folds": len(folds),
        "log_loss": {str(epoch): float(loss) for epoch, loss in enumerate(losses)},
    }
    if epochs == 0:
        return TunedLine(pretrained, None, facts)
    *_, last = bench.tuned(np.arange(len(bench.labelled.defective_m)), epochs)
    return TunedLine(replace(pretrained, backbone=last.backbone), last.strength, facts)


@dataclass(frozen=True)
class _State:
    """A network after some epochs, with the head fitted on it.

    Attributes:
        strength: Of the head's shrinkage.
        z_m: Of all labelled images.
    """

    backbone: Backbone
    head: DefectHead
    strength: float | None
    z_m: Array


class _Bench:
    """Tunes copies of a line's network on some of its labelled images."""

    def __init__(
        self,
        settings: LineSettings,
        pretrained: PretrainedLine,
        images: LineImages,
        statistics: Sequence[Path],
        cache: Path,
    ) -> None:
        self.settings, self.pretrained = settings, pretrained
        self.images, self.statistics, self.cache = images, statistics, cache
        self.paths = [image.path for image in images.train]
        defective = [image.label != settings.good_class for image in images.train]
        squares = image_cache(self.paths, settings.input, cache) if self.paths else _NO_SQUARES
        self.labelled = LabelledSquares(np.asarray(squares), np.array(defective, bool))
        how = settings.input
        masks_kss = torch.from_numpy(pretrained.layout.fitted(how.side_px, how.fit))
        softened = settings.layout.soften_patches * pretrained.backbone.patch_px
        self.part_masks = PartMasks(masks_kss, softened)

    def folds(self) -> list[tuple[Places, Places]]:
        """(learnt from, left out) of each turn; empty where no turn would have both classes."""
        units = images_of_parts(self.images.train, self.images.hashes, self.images.scenes)
        unit_of = {image.path: number for number, unit in enumerate(units) for image in unit}
        unit_m = np.array([unit_of[path] for path in self.paths])
        truth_m = self.labelled.defective_m
        fewest = min((len(set(unit_m[truth_m == kind])) for kind in (False, True)), default=0)
        count = min(self.settings.train.tuning.folds, fewest)
        if count < 2:
            return []
        split = StratifiedGroupKFold(count, shuffle=True, random_state=self.settings.train.seed)
        turns = split.split(truth_m, truth_m, unit_m)
        return [(inside, out) for inside, out in turns if 0 < truth_m[inside].mean() < 1]

    def held_out_losses(self, inside: Places, out: Places) -> Array:
        """(1 + E, images left out) class-balanced log loss after each epoch; row 0 before any."""
        truth = self.labelled.defective_m[out]
        share = self.labelled.defective_m.mean()
        weight = np.where(truth, 0.5 / share, 0.5 / (1 - share))
        signed = np.where(truth, -1.0, 1.0)
        epochs = self.settings.train.tuning.epochs
        states = self.tuned(inside, epochs)
        return np.stack([weight * np.logaddexp(0, signed * state.z_m[out]) for state in states])

    def tuned(self, inside: Places, epochs: int) -> Iterator[_State]:
        """The network before and after each epoch on these labelled images; the last is kept."""
        settings, backbone = self.settings, copy.deepcopy(self.pretrained.backbone)
        labelled = self.labelled.some(inside)
        state = self._state(backbone, inside, settings.train.strengths)
        yield state
        tuning = Tuning(backbone, settings.train.blocks, self.part_masks, tuning_plan(settings))
        # After tuning, the labels look easier than they are: the shrinkage stays as chosen before.
        fixed = () if state.strength is None else (state.strength,)
        for epoch in range(epochs):
            tuning.epoch(epoch, state.head, labelled)
            state = self._state(backbone, inside, fixed)
            yield state

    def _state(self, backbone: Backbone, inside: Places, strengths: tuple[float, ...]) -> _State:
        """Statistics from all images, hearing the labels inside; weights from the latter."""
        asked = self.settings.train
        unlabelled = Looked(backbone, self.settings, self.statistics, self.cache)
        labelled = {self.paths[one]: not self.labelled.defective_m[one] for one in inside}
        deviation, kept = fit_statistics(self.settings, unlabelled, told_by(labelled, unlabelled))
        head = empty_head(self.settings, self.pretrained.layout, backbone, deviation, 1)
        looked = Looked(backbone, self.settings, self.paths, self.cache)
        labelled_mj = tied(looked.pooled(head, looked.learnt_in(unlabelled, kept)), head)
        learnt_u = unlabelled.learnt_in(unlabelled, kept)
        score = fit_shrunk(
            labelled_mj[inside],
            self.labelled.defective_m[inside],
            tied(unlabelled.pooled(head, learnt_u), head),
            [token_features(head)],
            strengths,
            asked.folds,
            asked.seed,
        )
        set_weights(head, score.weight[None], np.array([score.bias]))
        z_m = np.asarray(labelled_mj @ score.weight + score.bias, np.float64)
        return _State(backbone, head, score.strength, z_m)


def tuning_plan(settings: LineSettings) -> TuningPlan:
    """How a line's settings tune; views stay near their image, and turn over as its layout may."""
    asked = settings.train.tuning
    ranges = ViewRanges(
        min_area=0.94,
        max_area=1.06,
        max_shift=0.01,
        max_rotation_deg=2.0,
        max_aspect=1.02,
        brightness=0.1,
        contrast=0.1,
        noise=0.0,
        symmetry=settings.layout.symmetry,
    )
    return TuningPlan(
        steps=asked.steps,
        batch_size=asked.batch_size,
        learning_rate=asked.learning_rate,
        layer_decay=asked.layer_decay,
        weight_decay=asked.weight_decay,
        prior_weight=asked.prior_weight,
        ranges=ranges,
        seed=settings.train.seed,
    )
