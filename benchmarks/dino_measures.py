"""What a small self-distillation has learnt: to tell images apart, and to find parts.

Letters: M images, C width.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from dino_jobs import COMPARED, Job
from jsrt_split import read_split
from paired_auroc import auroc
from part_measures import measure_network

from span_train.contract.settings import LineSettings
from span_train.data.elpv import mono_cells
from span_train.data.kept_array import open_kept
from span_train.data.keyed_draws import Numbers, uniforms_of_view
from span_train.data.splits import gather_images
from span_train.data.views import make_views
from span_train.finetune.run import load_trained, scores_of, train
from span_train.models.backbone import Backbone
from span_train.pretrain.build import view_kinds
from span_train.pretrained import PretrainedLine, load_pretrained

_DIGITS = 4
_UNSEEN_EPOCH = 1_000_000  # views that no step has drawn


def measure(job: Job, settings: LineSettings, run: Path, data: Path) -> dict[str, Any]:
    """How often a view is nearest to the other one of its image, and what else the data tell."""
    pretrained = load_pretrained(run)
    found: dict[str, Any] = {"same_image": round(_same_image(pretrained, settings, run), _DIGITS)}
    if job.data == "jsrt":
        measured = measure_network(
            pretrained, read_split(development=True), data / "xray_jsrt", run / "links"
        )
        key = "assigned" if "assigned" in measured["in_place"] else "best"
        found["map"] = {
            place: round(float(np.nanmean(np.array(list(one[key].values()), float))), _DIGITS)
            for place, one in measured.items()
        }
    if job.data == "elpv":
        found["auroc"] = _outliers(settings, run)
    return found


def _same_image(pretrained: PretrainedLine, settings: LineSettings, run: Path) -> float:
    """Share of M images whose first view is nearest, of all second views, to its own."""
    images_mssc = open_kept(next((run / "cache").glob("images-*.npy")))
    chosen = np.linspace(0, len(images_mssc) - 1, COMPARED).astype(np.int64)
    first_mc, second_mc = (
        _seen(pretrained.backbone, settings, images_mssc[chosen], chosen, view) for view in (0, 1)
    )
    nearest_m = (first_mc @ second_mc.T).argmax(dim=1)
    return float((nearest_m == torch.arange(len(chosen))).double().mean())


@torch.no_grad()
def _seen(
    backbone: Backbone,
    settings: LineSettings,
    pixels: npt.NDArray[np.uint8],
    chosen_m: Numbers,
    view: int,
) -> torch.Tensor:
    """(M, C) class tokens of one view of each image, standing out of their mean, of length 1."""
    kind = view_kinds(settings, 2, backbone.patch_px)[0]
    uniforms = uniforms_of_view(settings.pretrain.seed, _UNSEEN_EPOCH, chosen_m, view)
    views, _ = make_views(
        torch.from_numpy(pixels.copy()), uniforms, kind.ranges, None, kind.side_px
    )
    class_mc = backbone(views).class_bc
    return torch.nn.functional.normalize(class_mc - class_mc.mean(0), dim=-1)


def _outliers(settings: LineSettings, run: Path) -> float:
    """AUROC of the outlier score on the cells learnt from, by the grades they came with."""
    grades = {cell.path.name: cell.grade for cell in mono_cells()}
    train(settings, run, run / "train")
    trained = load_trained(run / "train")
    paths = [path for path in gather_images(settings).unlabelled if grades[path.name] in (0.0, 1.0)]
    truth = np.array([grades[path.name] > 0 for path in paths], bool)
    _, outlier_i = scores_of(trained.model, trained.settings, paths, run / "train" / "cache")
    return round(auroc(outlier_i, truth), _DIGITS)
