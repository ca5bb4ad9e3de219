"""Train a line's defect head on a pretrained backbone, choose its policy, leave a run folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from span_train.contract.errors import RunError
from span_train.contract.layout import Layout, load_layout, save_layout
from span_train.contract.settings import LineSettings, dump_settings, read_settings
from span_train.data.cache import image_cache
from span_train.data.labels import LabelledImage
from span_train.data.splits import LineImages, gather_images
from span_train.finetune.cross_fit import tune_if_better
from span_train.finetune.facts import (
    counts_of,
    defect_classes,
    examples_of,
    refuse_leaks,
    type_names,
    unpromised,
)
from span_train.finetune.fit_head import empty_head, fit_head
from span_train.finetune.gated import gate_of
from span_train.finetune.looked import Looked
from span_train.finetune.roles import ImageRoles, load_roles, save_roles
from span_train.finetune.shrunk_fit import Array
from span_train.models.inspection_model import InspectionModel
from span_train.models.memory_deviation import MemoryDeviation
from span_train.models.place_deviation import PlaceDeviation
from span_train.policy.calibrate import choose_policy
from span_train.policy.policy import Goal, Policy, load_policy, save_policy
from span_train.pretrained import PretrainedLine, line_backbone, load_pretrained
from span_train.storage.checkpoint import load_checkpoint, save_checkpoint
from span_train.storage.run_folder import create_run, describe_machine, read_json, write_json

_MODEL = "model.safetensors"
_BATCH = 64


@dataclass(frozen=True)
class TrainedLine:
    """What `inspect train` left.

    Attributes:
        model: The whole network on the CPU, ready for inference.
        layout: The parts.
        policy: Thresholds and claims.
        settings: The resolved settings.
        summary: Facts about data, fit and machine, as plain JSON values.
        example_paths: Images that travel in the bundle to prove it right.
        roles: Which images took part in what; None for a run that did not keep it.
    """

    model: InspectionModel
    layout: Layout
    policy: Policy
    settings: LineSettings
    summary: dict[str, Any]
    example_paths: tuple[Path, ...]
    roles: ImageRoles | None = None


def train(
    settings: LineSettings, backbone_run: Path, out: Path, *, allow_leak: bool = False
) -> dict[str, Any]:
    """Fit the defect head and the policy; returns the run's summary.

    Without labels, or with one class only, z is the outlier score alone.

    Args:
        settings: The line; its input and model must be those of the backbone.
        backbone_run: A finished run of `inspect pretrain`.
        out: The run folder, new.
        allow_leak: Go on, with a remark, where held-out images took part in pretraining.

    Raises:
        InputError: Settings, images, labels or run folders do not fit.
    """
    pretrained = load_pretrained(backbone_run)
    settings = _with_blocks(settings, pretrained)
    _check_backbone(settings, pretrained)
    images = gather_images(settings)
    leaked = refuse_leaks(images, pretrained, allow_leak)
    create_run(out, "train")
    cache = out / "cache"
    statistics = tuple(dict.fromkeys([*images.unlabelled, *(i.path for i in images.train)]))
    tuned = tune_if_better(settings, pretrained, images, statistics, cache)
    pretrained, fitting = tuned.pretrained, _with_strength(settings, tuned.strength)
    unlabelled = Looked(pretrained.backbone, settings, statistics, cache)
    head, score, kept = fit_head(fitting, pretrained, images, unlabelled, cache)
    names, types = pretrained.layout.names, type_names(images, settings)
    model = InspectionModel(pretrained.backbone, head, settings.train.blocks, names, types)
    policy, held_out = _calibrate(settings, model, images.calibration, cache)
    gate = gate_of(model, unlabelled.pixels, statistics, settings.input, cache)
    policy = policy.model_copy(update={"gate": gate})
    summary = {
        **_described(settings, pretrained, images),
        "statistics": {
            "images": len(statistics),
            "kept": int(kept.sum()),
            "usual": settings.train.statistics,
        },
        "fit": {"strength": score.strength, "log_loss": score.log_loss},
        "finetune": tuned.facts,
        "calibration": held_out,
        "remarks": [*images.remarks, *leaked, *unpromised(images, settings, gate)],
    }
    save_roles(out, images, pretrained.images)
    _save(out, model, pretrained.layout, policy, settings, summary)
    return summary


def load_trained(run: Path) -> TrainedLine:
    """Read a finished training run.

    Raises:
        RunError: The run is not finished, or damaged.
    """
    summary = read_json(run / "run.json")
    if summary.get("kind") != "train" or not (run / _MODEL).is_file():
        raise RunError(f"{run}: no finished `inspect train` run; train again into a new folder.")
    settings = read_settings(run / "settings.yaml")
    layout = load_layout(run)
    types = tuple(summary["defect_types"])
    backbone = line_backbone(settings, fresh=False)
    tensors, _ = load_checkpoint(run / _MODEL)
    try:
        deviation = _empty_statistics(settings, tensors)
        head = empty_head(settings, layout, backbone, deviation, len(tensors["head.bias"]))
        model = InspectionModel(backbone, head, settings.train.blocks, layout.names, types)
        model.load_state_dict(tensors)
    except (RuntimeError, KeyError) as problem:
        raise RunError(f"{run}: the model is damaged: {str(problem)[:200]}") from None
    examples = tuple(Path(path) for path in summary["examples"])
    policy = load_policy(run / "policy.json")
    roles = load_roles(run)
    return TrainedLine(model.eval(), layout, policy, settings, summary, examples, roles)


def _empty_statistics(
    settings: LineSettings, tensors: dict[str, torch.Tensor]
) -> PlaceDeviation | MemoryDeviation:
    """Of the sizes that were kept."""
    features, projected = tensors["head.deviation.projection"].shape
    if settings.train.statistics == "memory":
        return MemoryDeviation(features, projected, len(tensors["head.deviation.memory"]))
    return PlaceDeviation(features, projected, len(tensors["head.deviation.mean"]))


def _calibrate(
    settings: LineSettings,
    model: InspectionModel,
    images: Sequence[LabelledImage],
    cache: Path,
) -> tuple[Policy, dict[str, int]]:
    goals = Goal(**settings.goals.model_dump())
    defective = np.array([image.label != settings.good_class for image in images], bool)
    z, outlier = np.zeros(0), np.zeros(0)
    if images:
        z, outlier = scores_of(model, settings, [image.path for image in images], cache)
    groups = np.array([image.group for image in images], dtype=object)
    policy = choose_policy(
        z[~defective],
        z[defective],
        outlier[~defective],
        goals,
        groups_good=list(groups[~defective]),
        groups_defect=list(groups[defective]),
    )
    return policy, {"good": int((~defective).sum()), "defective": int(defective.sum())}


def scores_of(
    model: InspectionModel, settings: LineSettings, paths: Sequence[Path], cache: Path
) -> tuple[Array, Array]:
    """z and outlier score of each image, through torch."""
    pixels = image_cache(paths, settings.input, cache)
    z, outlier = [], []
    with torch.inference_mode():
        for start in range(0, len(pixels), _BATCH):
            said = model(torch.from_numpy(pixels[start : start + _BATCH].copy()))
            z.append(said.logits[:, 0])
            outlier.append(said.outlier)
    return torch.cat(z).double().numpy(), torch.cat(outlier).double().numpy()


def _with_blocks(settings: LineSettings, pretrained: PretrainedLine) -> LineSettings:
    """Where no block is named: two thirds up, which only the backbone's depth can tell."""
    if settings.train.blocks:
        return settings
    train = settings.train.model_copy(update={"blocks": (pretrained.backbone.middle,)})
    return settings.model_copy(update={"train": train})


def _with_strength(settings: LineSettings, strength: float | None) -> LineSettings:
    """With one strength of shrinkage, chosen before; None leaves the choice."""
    if strength is None:
        return settings
    train = settings.train.model_copy(update={"strengths": (strength,)})
    return settings.model_copy(update={"train": train})


def _check_backbone(settings: LineSettings, pretrained: PretrainedLine) -> None:
    before, depth = pretrained.settings, pretrained.backbone.depth
    for name in ("input", "model"):
        if getattr(settings, name) != getattr(before, name):
            raise RunError(
                f"the backbone was pretrained with other `{name}` settings: "
                f"{getattr(before, name)!r}, now {getattr(settings, name)!r}; set them back, or "
                "pretrain again."
            )
    blocks = settings.train.blocks
    if not all(1 <= block <= depth for block in blocks):
        raise RunError(
            f"train.blocks {list(blocks)}: choose from 1 to {depth}, the blocks of this backbone."
        )


def _described(
    settings: LineSettings, pretrained: PretrainedLine, images: LineImages
) -> dict[str, Any]:
    return {
        "kind": "train",
        **describe_machine(),
        "images": images.digest(),
        "layout": pretrained.layout.digest(),
        "backbone": pretrained.summary,
        "counts": counts_of(images, settings.good_class),
        "defect_types": list(type_names(images, settings)),
        "defect_classes": sorted(defect_classes(images, settings)),
        "examples": examples_of(images, settings.good_class),
    }


def _save(
    out: Path,
    model: InspectionModel,
    layout: Layout,
    policy: Policy,
    settings: LineSettings,
    summary: dict[str, Any],
) -> None:
    (out / "settings.yaml").write_text(dump_settings(settings), encoding="utf-8")
    save_layout(layout, out)
    save_policy(policy, out / "policy.json")
    save_checkpoint(out / _MODEL, model.state_dict(), {})
    write_json(out / "run.json", summary)
