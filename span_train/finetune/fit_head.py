"""Fit a line's defect head: what is usual at each place, then the weights, by labels or without."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from span_train.contract.layout import Layout
from span_train.contract.settings import LineSettings
from span_train.data.splits import LineImages
from span_train.finetune.facts import type_names
from span_train.finetune.looked import Looked
from span_train.finetune.memory_statistics import fit_memory
from span_train.finetune.place_statistics import Told, fit_deviation
from span_train.finetune.shrunk_fit import Array, LinearScore, fit_shrunk, fit_types
from span_train.models.backbone import Backbone
from span_train.models.defect_head import DefectHead
from span_train.models.memory_deviation import MemoryDeviation
from span_train.models.place_deviation import PlaceDeviation
from span_train.pretrained import PretrainedLine

_PART_SHARE = 0.3


def fit_head(
    settings: LineSettings,
    pretrained: PretrainedLine,
    images: LineImages,
    unlabelled: Looked,
    cache: Path,
) -> tuple[DefectHead, LinearScore, npt.NDArray[np.bool_]]:
    """The fitted head, how its z came about, and which unlabelled images counted as usual.

    Args:
        settings: The line.
        pretrained: Backbone and layout.
        images: The line's images; only the labels of the training split are used.
        unlabelled: What the backbone sees in the images that statistics come from.
        cache: Folder of the image cache.

    Raises:
        InputError: Too few images.
    """
    backbone = pretrained.backbone
    labelled = {image.path: image.label == settings.good_class for image in images.train}
    deviation, kept = fit_statistics(settings, unlabelled, told_by(labelled, unlabelled))
    types = type_names(images, settings)
    head = empty_head(settings, pretrained.layout, backbone, deviation, 1 + len(types))
    paths = [image.path for image in images.train]
    looked = Looked(backbone, settings, paths, cache) if paths else unlabelled
    labels = np.array([image.label for image in images.train], dtype=object)
    # New images are what scores are for, and images that statistics were learnt from deviate less.
    # Good labelled ones are learnt from, defective ones not: that alone would tell them apart.
    learnt_u, learnt_m = unlabelled.learnt_in(unlabelled, kept), looked.learnt_in(unlabelled, kept)
    unlabelled_uj = tied(unlabelled.pooled(head, learnt_u), head)
    labelled_mj = tied(looked.pooled(head, learnt_m), head) if paths else unlabelled_uj[:0]
    score = _weigh(head, settings, unlabelled_uj, labelled_mj, labels, types)
    good = np.array(labels == settings.good_class, bool)
    if good.any():
        _set_typical(head, looked, learnt_m, good)
    else:
        _set_typical(head, unlabelled, learnt_u, kept)
    return head, score, kept


def told_by(labelled: Mapping[Path, bool], looked: Looked) -> Told:
    """What labels (by image, whether it is good) tell of the images that were looked at."""
    told = {path: 1 if good else -1 for path, good in labelled.items()}
    return np.array([told.get(path, 0) for path in looked.paths], np.int8)


def fit_statistics(
    settings: LineSettings, unlabelled: Looked, told: Told | None = None
) -> tuple[PlaceDeviation | MemoryDeviation, npt.NDArray[np.bool_]]:
    """What is usual, at each place or at any as the settings say, and which images were kept.

    Labelled good images are always kept where labels are heard, and labelled defects never.

    Raises:
        InputError: Fewer than eight images may be usual.
    """
    asked = settings.train

    def batches() -> Iterator[Tensor]:
        return (patches for patches, _ in unlabelled.batches())

    if asked.statistics == "memory":
        return fit_memory(
            batches, asked.projected, asked.left_out, asked.memory_entries, asked.seed, told
        )
    return fit_deviation(batches, asked.projected, asked.left_out, asked.covariance_shrinkage, told)


def _weigh(
    head: DefectHead,
    settings: LineSettings,
    unlabelled_uj: Array,
    labelled_mj: Array,
    labels: npt.NDArray[np.object_],
    types: tuple[str, ...],
) -> LinearScore:
    """Set the head's weights and biases: first z, then the defect types."""
    asked = settings.train
    defective_m = np.array(labels != settings.good_class, bool)
    tokens = [token_features(head)]
    score = fit_shrunk(
        labelled_mj, defective_m, unlabelled_uj, tokens, asked.strengths, asked.folds, asked.seed
    )
    weights, biases = [score.weight[None]], [np.array([score.bias])]
    if types:
        type_m = np.array([types.index(label) for label in labels[defective_m]], np.int64)
        weight, bias = fit_types(labelled_mj[defective_m], type_m, unlabelled_uj, tokens)
        weights.append(weight)
        biases.append(bias)
    set_weights(head, np.concatenate(weights), np.concatenate(biases))
    return score


def set_weights(head: DefectHead, weight_oj: Array, bias_o: Array) -> None:
    """Give a head the weights that were found for features as `tied` gives them."""
    shares_or = np.repeat(weight_oj[:, :1], head.regions, axis=1)
    untied_oj = np.concatenate([shares_or, weight_oj[:, 1:]], axis=1)
    head.weight.copy_(torch.from_numpy(untied_oj))
    head.bias.copy_(torch.from_numpy(bias_o))


def tied(features_mj: Array, head: DefectHead) -> Array:
    """The regions' shares as their sum, the outlier score: they get one weight together."""
    whole_m1 = features_mj[:, : head.regions].sum(axis=1, keepdims=True)
    return np.concatenate([whole_m1, features_mj[:, head.regions :]], axis=1)


def token_features(head: DefectHead) -> slice:
    """Where the part tokens are among features that `tied` gave."""
    return slice(head.first_token - head.regions + 1, len(head.features) - head.regions + 1)


def empty_head(
    settings: LineSettings,
    layout: Layout,
    backbone: Backbone,
    deviation: PlaceDeviation | MemoryDeviation,
    outputs: int,
) -> DefectHead:
    """A head with the layout's parts and all weights 0."""
    masks = torch.from_numpy(layout.fitted(settings.input.side_px, settings.input.fit))
    share_kn = torch.nn.functional.adaptive_avg_pool2d(masks[None], backbone.grid)[0].flatten(1)
    part_kn = share_kn >= _PART_SHARE * share_kn.amax(1, keepdim=True)
    return DefectHead(
        deviation, part_kn, layout.names, backbone.heads, outputs, settings.train.top_k
    )


def _set_typical(
    head: DefectHead, looked: Looked, learnt_m: Tensor, chosen: npt.NDArray[np.bool_]
) -> None:
    """Make evidence and contributions relative to the mean over the chosen images."""
    head.typical_features.zero_()
    head.typical_evidence.zero_()
    evidence = torch.cat([outputs.evidence for outputs in looked.outputs(head, learnt_m)])
    features = torch.from_numpy(looked.pooled(head, learnt_m)[chosen])
    head.typical_evidence.copy_(evidence[torch.from_numpy(chosen)].mean(0))
    head.typical_features.copy_(features.mean(0))
